/**
 * The service as a process: its broker and its domain, and no database. Configured by the environment: KAFKA_BROKERS
 * (comma-separated). The only place with forRoot.
 */
import { kafkaBroker } from '@exactly-once/kafka';
import { ExactlyOnceModule } from '@exactly-once/nestjs';
import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { HealthController } from './health.controller.js';
import { SalesModule } from './sales/sales.module.js';

const { KAFKA_BROKERS = 'localhost:9092' } = process.env;

@Module({
  imports: [
    ExactlyOnceModule.forRoot({
      service: 'sales-totals',
      unhandled: 'skip',
      broker: kafkaBroker({ client: { brokers: KAFKA_BROKERS.split(',') } }),
    }),
    TerminusModule,
    SalesModule,
  ],
  controllers: [HealthController],
})
export class MainModule {}
