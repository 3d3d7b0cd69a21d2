import { EventType, ExactlyOnce, IdempotentHandler } from '@exactly-once/nestjs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, Module, type OnModuleDestroy } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DataSource } from 'typeorm';
import { until } from '../services/ports.js';
import { NestWorld } from './nest-world.js';

describe('the end of an application', () => {
  let world: NestWorld;

  beforeAll(async () => {
    world = await NestWorld.open('shutdown');
  });

  afterAll(async () => {
    await world.close();
  });

  it.each([
    ['commits', 'connected to nothing', false],
    ['rolls back', 'connected to nothing', false],
    ['commits', 'connected to exactlyOnce()', true],
  ])("lets a request's transaction end that %s, in an application %s", async (ending, kind, connected) => {
    const event = `${ending}, ${kind}`;
    let entered = false;
    let httpIsClosed = () => false;

    @Controller()
    class OrderController {
      constructor(
        private readonly exactlyOnce: ExactlyOnce,
        private readonly source: DataSource,
      ) {}

      @Get()
      async place() {
        await this.exactlyOnce.transaction(async () => {
          await this.write('before');
          entered = true;
          await until('no request is taken any more', async () => httpIsClosed());
          await this.write('after');
          if (ending === 'rolls back') throw new Error('it rolls back');
        });
        return 'placed';
      }

      private async write(handler: string) {
        await this.source.query('INSERT INTO ledger (handler, event_id) VALUES ($1, $2)', [handler, event]);
      }
    }

    @Module({
      imports: [world.typeOrm(), world.exactlyOnce({ service: `http-${event}` })],
      controllers: [OrderController],
    })
    class MainModule {}
    const app = connected
      ? await world.start(MainModule)
      : await NestFactory.create(MainModule, { logger: false, abortOnError: false });
    await app.listen(0);
    httpIsClosed = () => !app.getHttpServer().listening;
    const request = fetch(await app.getUrl()).then((response) => response.status);
    await until('the transaction is open', async () => entered);

    await app.close();

    const rows = (await world.ledger()).filter((one) => one.endsWith(event));
    expect(await request).toBe(ending === 'commits' ? 200 : 500);
    expect(rows).toEqual(ending === 'commits' ? [`before ${event}`, `after ${event}`] : []);
  });

  it("has ended its handlers, and begins with none, when the application's own hooks run", async () => {
    const seen: string[] = [];
    let closing = false;

    @Injectable()
    class Redis implements OnModuleDestroy {
      state = 'open';

      onModuleDestroy() {
        this.state = 'closed';
      }
    }

    @EventType('thing.happened', { topic: world.topic })
    class ThingHappened {}

    @Controller()
    class CachingHandlers {
      constructor(
        private readonly redis: Redis,
        private readonly source: DataSource,
      ) {}

      @IdempotentHandler(ThingHappened, { name: 'caching', commit: 'event' })
      async handle() {
        seen.push('began');
        await until('the application ends', async () => closing);
        await this.source.query('SELECT pg_sleep(0.3)');
        seen.push(this.redis.state);
      }
    }

    @Module({
      imports: [world.typeOrm(), world.exactlyOnce({ service: 'caching' })],
      controllers: [CachingHandlers],
      providers: [Redis],
    })
    class MainModule {}
    const app = await world.start(MainModule);
    await world.feed({ id: 'one', data: {} }, { id: 'two', data: {} }, { id: 'three', data: {} });
    await until('the first handler runs', async () => seen.length > 0);

    closing = true;
    await app.close();

    expect(seen).toEqual(['began', 'open']);
    const [fences] = await world.database.query('SELECT bool_and(clean) AS clean FROM eo_fence');
    expect(fences).toEqual({ clean: true });
  });
});
