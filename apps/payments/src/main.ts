/**
 * Starts the service: events over Kafka, /health on PORT (default 3002). SIGTERM lets running events end; what is
 * not done by then is rolled back and comes again.
 */
import { exactlyOnce } from '@exactly-once/nestjs';
import { ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MainModule } from './main.module.js';

const app = await NestFactory.create(MainModule);
app.useGlobalPipes(new ValidationPipe({ transform: true }));
app.connectMicroservice(exactlyOnce(), { inheritAppConfig: true });
// Ends with 0, whatever is still open. Else Nest sends the signal once more, to which a container's first process is deaf.
app.enableShutdownHooks([], { useProcessExit: true });
await app.startAllMicroservices();
await app.listen(process.env['PORT'] ?? 3002);
