import { EventContext, EventType, IdempotentHandler } from '@exactly-once/nestjs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Logger, Module } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { until } from '../services/ports.js';
import { NestWorld } from './nest-world.js';

describe('lanes of a transaction that one of them has aborted', () => {
  let world: NestWorld;
  /** What Nest's own handler of exceptions logged. */
  const logged: string[] = [];

  beforeAll(async () => {
    world = await NestWorld.open('aborted-lanes');
  });

  afterAll(async () => {
    Logger.overrideLogger(false);
    await world.close();
  });

  it('are not logged one by one: the error that aborted it is', async () => {
    let aborted = 0;
    let fail = () => {};
    const failed = new Promise<void>((resolve) => {
      fail = resolve;
    });

    @EventType<Thing>('thing.happened', { topic: world.topic, key: ({ n }) => String(n) })
    class Thing {
      n!: number;
    }

    @Controller()
    class Handlers {
      constructor(private readonly source: DataSource) {}

      @IdempotentHandler(Thing, { concurrency: 20, retry: { attempts: 1 } })
      async handle(@Payload() { n }: Thing, @Ctx() { id }: EventContext): Promise<void> {
        try {
          if (n === 0) await this.source.query('SELECT 1 / 0').finally(fail);
          await failed;
          await this.source.query('INSERT INTO ledger (handler, event_id) VALUES ($1, $2)', ['h', id]);
        } catch (error) {
          if ((error as { code?: string }).code === '25P02') aborted++;
          throw error;
        }
      }
    }

    @Module({
      imports: [
        TypeOrmModule.forRoot({
          ...{ type: 'postgres', url: world.database.url, autoLoadEntities: true },
          extra: { pipeline: true },
        }),
        world.exactlyOnce(),
      ],
      controllers: [Handlers],
    })
    class MainModule {}

    await world.feed(...Array.from({ length: 10 }, (_, n) => ({ id: `e${n}`, data: { n }, key: `${n}` })));
    const keep = (message: unknown, ...rest: unknown[]) => {
      if (rest.includes('RpcExceptionsHandler')) logged.push(String(message));
    };
    await world.start(MainModule, () =>
      Logger.overrideLogger({ log: () => {}, warn: () => {}, error: keep }),
    );
    await until('the others are handled', async () => (await world.ledger()).length === 9);
    await until('the bad one is given up', async () => (await world.letters()).length === 1);

    expect(aborted).toBeGreaterThan(0);
    expect(logged.filter((line) => line.includes('division by zero')).length).toBeGreaterThan(0);
    expect(logged.filter((line) => !line.includes('division by zero'))).toEqual([]);
  });
});
