/**
 * What both contestants of nestjs-outbox share: its module on TypeORM, in the versions that it supports, with its own
 * tables; its logging is off, as its documentation has it for speed.
 */
import { type OutboxEvent, OutboxModule } from '@fullstackhouse/nestjs-outbox';
import {
  OutboxTransportEventMigrations,
  TypeORMDatabaseDriverFactory,
  TypeOrmOutboxTransportEvent,
} from '@fullstackhouse/nestjs-outbox-typeorm-driver';
import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Column, DataSource, Entity, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';

export class OrderPlaced implements OutboxEvent {
  readonly name = OrderPlaced.name;

  constructor(
    readonly id: string,
    readonly key: string,
    readonly body: string,
  ) {}
}

/** The entities of the other contestants once more, for this package's TypeORM. */
@Entity('account')
export class Account {
  @PrimaryColumn('int')
  id!: number;

  @Column('bigint')
  cents!: string;
}

@Entity('effect')
export class Effect {
  @PrimaryGeneratedColumn('increment', { type: 'bigint' })
  id!: string;

  @Column('text', { name: 'order_id' })
  orderId!: string;

  @Column('int')
  cents!: number;
}

interface Options {
  readonly databaseUrl: string;
  readonly poolSize: number;
  readonly pollingInterval: number;
  readonly providers?: Type[];
}

const tables = { type: 'postgres' as const, entities: [TypeOrmOutboxTransportEvent, Account, Effect] };

/** Makes its table, by its own migrations; TypeORM's runner does not take their names. */
export async function migrate(databaseUrl: string): Promise<void> {
  const source = new DataSource({ ...tables, url: databaseUrl });
  await source.initialize();
  const runner = source.createQueryRunner();
  for (const Migration of OutboxTransportEventMigrations) await new Migration().up(runner);
  await runner.release();
  await source.destroy();
}

export async function outboxApplication({ databaseUrl, poolSize, pollingInterval, providers = [] }: Options) {
  @Module({
    imports: [
      TypeOrmModule.forRoot({ ...tables, url: databaseUrl, poolSize }),
      OutboxModule.registerAsync({
        imports: [],
        isGlobal: true,
        enableDefaultMiddlewares: false,
        middlewares: [],
        inject: [DataSource],
        useFactory: (source: DataSource) => ({
          driverFactory: new TypeORMDatabaseDriverFactory(source),
          events: [
            { name: OrderPlaced.name, listeners: { retentionPeriod: 86_400_000, maxExecutionTime: 15_000 } },
          ],
          pollingInterval,
          maxEventsPerPoll: 1_000,
        }),
      }),
    ],
    providers,
  })
  class BenchModule {}

  const app = await NestFactory.createApplicationContext(BenchModule, { logger: ['error'] });
  app.enableShutdownHooks();
  return app;
}
