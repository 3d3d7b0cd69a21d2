/** Starts the service: HTTP on PORT (default 3002), events over Kafka. */
import { exactlyOnce } from '@exactly-once/nestjs';
import { ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MainModule } from './main.module.js';

const app = await NestFactory.create(MainModule);
app.useGlobalPipes(new ValidationPipe({ transform: true }));
app.connectMicroservice(exactlyOnce(), { inheritAppConfig: true });
app.enableShutdownHooks();
await app.startAllMicroservices();
await app.listen(process.env['PORT'] ?? 3002);
