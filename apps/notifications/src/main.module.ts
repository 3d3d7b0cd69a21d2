/**
 * The service as a process: its database, its broker, its domain. Configured by the environment: DATABASE_URL and
 * KAFKA_BROKERS (comma-separated). The only place with forRoot.
 */
import { kafkaBroker } from '@exactly-once/kafka';
import { ExactlyOnceModule } from '@exactly-once/nestjs';
import { typeOrmStorage } from '@exactly-once/typeorm';
import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { TypeOrmModule } from '@nestjs/typeorm';
import { HealthController } from './health.controller.js';
import { CreateNotificationTables } from './migrations/1-create-tables.js';
import { NotificationsModule } from './notifications/notifications.module.js';

const {
  DATABASE_URL = 'postgres://postgres@localhost:5432/notifications',
  KAFKA_BROKERS = 'localhost:9092',
} = process.env;

@Module({
  imports: [
    TypeOrmModule.forRoot({
      type: 'postgres',
      url: DATABASE_URL,
      autoLoadEntities: true,
      migrations: [CreateNotificationTables],
      migrationsRun: true,
    }),
    ExactlyOnceModule.forRoot({
      service: 'notifications',
      unhandled: 'skip',
      storage: typeOrmStorage({ migrate: true }),
      broker: kafkaBroker({ client: { brokers: KAFKA_BROKERS.split(',') } }),
    }),
    TerminusModule,
    NotificationsModule,
  ],
  controllers: [HealthController],
})
export class MainModule {}
