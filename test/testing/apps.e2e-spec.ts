import { DeadLetters, PermanentError } from '@exactly-once/nestjs';
import { checkExactlyOnce, type TestApplication, testExactlyOnce } from '@exactly-once/testing';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { DataSource } from 'typeorm';
import {
  CreateNotificationTables,
  MailProvider,
  NotificationsModule,
} from '../../apps/notifications/src/index.js';
import { CreateOrderTables, OrdersModule, OrdersService } from '../../apps/orders/src/index.js';
import { CreatePaymentTables, PaymentProvider, PaymentsModule } from '../../apps/payments/src/index.js';
import { CreateShippingTables, ShippingModule } from '../../apps/shipping/src/index.js';
import { CancelledOrder, PaidOrder, PlacedOrder, RefusedOrder, ShippedOrder } from './app-events.js';

let app: TestApplication | null = null;

afterEach(async () => {
  await app?.close();
  app = null;
});

async function start(module: Type, migration: new () => unknown): Promise<TestApplication> {
  app = await testExactlyOnce(module, { migrations: [migration] });
  return app;
}

const one = '0199a1f0-0000-7000-8000-000000000001';
const other = '0199a1f0-0000-7000-8000-000000000002';

describe('the handlers of the reference services pass checkExactlyOnce', () => {
  it('payments', async () => {
    const events = [new PlacedOrder(one, 500), new PlacedOrder(other, 700)];

    const { notes } = await checkExactlyOnce(await start(PaymentsModule, CreatePaymentTables), events);

    expect(notes).toEqual([expect.stringMatching(/^updates that two processes lose/)]);
  });

  it('shipping', async () => {
    await checkExactlyOnce(await start(ShippingModule, CreateShippingTables), [
      new PaidOrder(one, 500),
      new RefusedOrder(other, 'declined'),
    ]);
  });

  it('notifications', async () => {
    await checkExactlyOnce(await start(NotificationsModule, CreateNotificationTables), [
      new ShippedOrder(one, 'X'),
      new CancelledOrder(other, 'declined'),
    ]);
  });

  it('orders, which note that they take the time of day into their rows', async () => {
    const orders = await start(OrdersModule, CreateOrderTables);
    const service = orders.get(OrdersService);
    const { id } = await service.place({ customer: 'Ada', totalCents: 500 });
    await orders.get(DataSource).query('SELECT 1');

    const { notes } = await checkExactlyOnce(orders, [new PaidOrder(id, 500), new ShippedOrder(id, 'X')]);

    expect(notes).toEqual(['"order": "shippedAt" differs from run to run, and was not compared']);
  });
});

describe('a dry run of what was given up calls nobody', () => {
  it.each([
    ['payments', PaymentsModule, CreatePaymentTables, PaymentProvider, new PlacedOrder(one, 500)],
    [
      'notifications',
      NotificationsModule,
      CreateNotificationTables,
      MailProvider,
      new ShippedOrder(one, 'X'),
    ],
  ])('%s', async (_, module, migration, provider, event) => {
    const calls: string[] = [];
    const refuse = async ({ idempotencyKey }: { idempotencyKey: string }) => {
      calls.push(idempotencyKey);
      throw new PermanentError('not understood');
    };
    const override = [[provider, { charge: refuse, send: refuse }] as const];
    app = await testExactlyOnce(module, { migrations: [migration], override });
    await app.deliver(event).catch(() => undefined);
    const [letter] = await app.get(DeadLetters).list();

    const { failure } = await app.get(DeadLetters).dryRun(letter!.id);

    expect(failure).toBeNull();
    expect(calls).toHaveLength(1);
  });
});
