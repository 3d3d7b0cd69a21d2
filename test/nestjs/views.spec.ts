import { EventType, ExactlyOnceModule, exactlyOnce, IdempotentHandler } from '@exactly-once/nestjs';
import { InMemoryBroker, InMemoryStorage } from '@exactly-once/testing';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, type INestApplication, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Payload } from '@nestjs/microservices';
import { IsBoolean, IsInt } from 'class-validator';
import { until } from '../services/ports.js';

/** What each handler was given, in the order of the calls. */
let given: [handler: string, event: object][];

/** A service that needs the amount in cents, which version 1 did not have. */
function billing(): Type {
  @EventType<Placed>('order.placed', {
    topic: 'orders',
    version: 2,
    key: ({ orderId }) => orderId,
    upcasters: {
      1: ({ orderId, euros }: { orderId: string; euros: number }) => ({ orderId, cents: euros * 100 }),
    },
  })
  class Placed {
    orderId!: string;
    @IsInt() cents!: number;
  }

  @Controller()
  class OrderHandlers {
    @IdempotentHandler(Placed, { name: 'billing/placed' })
    async placed(@Payload() event: Placed): Promise<void> {
      given.push(['billing', { ...event }]);
    }
  }

  @Module({ controllers: [OrderHandlers] })
  class Domain {}
  return Domain;
}

/** Another one that only asks whether it is large: same type, topic and version, other key, rules and upcaster. */
function watching(): Type {
  @EventType<Placed>('order.placed', {
    topic: 'orders',
    version: 2,
    upcasters: { 1: ({ euros }: { euros: number }) => ({ large: euros > 100 }) },
  })
  class Placed {
    @IsBoolean() large!: boolean;
  }

  @Controller()
  class OrderHandlers {
    @IdempotentHandler(Placed, { name: 'watching/placed' })
    async placed(@Payload() event: Placed): Promise<void> {
      given.push(['watching', { ...event }]);
    }
  }

  @Module({ controllers: [OrderHandlers] })
  class Domain {}
  return Domain;
}

describe('two views of one event in one process', () => {
  let app: INestApplication;
  let broker: InMemoryBroker;

  beforeEach(async () => {
    given = [];
    broker = new InMemoryBroker();
    @Module({
      imports: [
        ExactlyOnceModule.forRoot({
          service: 'shop',
          unhandled: 'stop',
          storage: { inject: [], create: () => new InMemoryStorage() },
          broker: { inject: [], create: () => broker },
        }),
        billing(),
        watching(),
      ],
    })
    class MainModule {}
    app = await NestFactory.create(MainModule, { logger: false, abortOnError: false });
    app.connectMicroservice(exactlyOnce(), { inheritAppConfig: true });
    await app.startAllMicroservices();
    await app.init();
  });

  afterEach(() => app.close());

  it('gives each handler its own, brought up from an older version by its own upcasters', async () => {
    const headers = { ce_specversion: '1.0', ce_id: '1', ce_source: 'orders', ce_type: 'order.placed' };
    const body = JSON.stringify({ orderId: 'a', euros: 250 });

    broker.append('orders', { headers: { ...headers, ce_dataversion: '1' }, body });
    await until('both have it', async () => given.length === 2);

    expect(new Map(given)).toEqual(
      new Map<string, object>([
        ['billing', { orderId: 'a', cents: 25_000 }],
        ['watching', { large: true }],
      ]),
    );
  });
});
