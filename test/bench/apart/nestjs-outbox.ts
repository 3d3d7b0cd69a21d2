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
import { DataSource, EntitySchema } from 'typeorm';
import { AccountEntity } from '../../../dist-test/test/bench/contestants/account.entity.js';
import { EffectEntity } from '../../../dist-test/test/bench/contestants/effect.entity.js';

export class OrderPlaced implements OutboxEvent {
  readonly name = OrderPlaced.name;

  constructor(
    readonly id: string,
    readonly key: string,
    readonly body: string,
  ) {}
}

/** The entities of the other contestants, for this package's TypeORM. */
const entities = [
  new EntitySchema({
    name: 'account',
    target: AccountEntity,
    tableName: 'account',
    columns: { id: { type: 'int', primary: true }, cents: { type: 'bigint' } },
  }),
  new EntitySchema({
    name: 'effect',
    target: EffectEntity,
    tableName: 'effect',
    columns: {
      id: { type: 'bigint', primary: true, generated: 'increment' },
      orderId: { type: 'text', name: 'order_id' },
      cents: { type: 'int' },
    },
  }),
];

interface Options {
  readonly databaseUrl: string;
  readonly poolSize: number;
  readonly pollingInterval: number;
  readonly providers?: Type[];
}

const tables = {
  type: 'postgres' as const,
  entities: [TypeOrmOutboxTransportEvent, ...entities],
  migrations: [...OutboxTransportEventMigrations],
};

/** Makes the tables, by its own migrations. */
export async function migrate(databaseUrl: string): Promise<void> {
  const source = new DataSource({ ...tables, url: databaseUrl });
  await source.initialize();
  await source.runMigrations();
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
