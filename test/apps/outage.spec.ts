import { randomUUID } from 'node:crypto';
import { type TestApplication, testExactlyOnce } from '@exactly-once/testing';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { getRepositoryToken } from '@nestjs/typeorm';
import { MailProvider } from '../../apps/notifications/src/notifications/mail-provider.js';
import { Notification } from '../../apps/notifications/src/notifications/notification.entity.js';
import { OrderHandlers as Notifying } from '../../apps/notifications/src/notifications/order.handlers.js';
import { OrderShipped } from '../../apps/notifications/src/notifications/order-shipped.event.js';
import { Account } from '../../apps/payments/src/payments/account.entity.js';
import { OrderHandlers as Paying } from '../../apps/payments/src/payments/order.handlers.js';
import { OrderPlaced } from '../../apps/payments/src/payments/order-placed.event.js';
import { Payment } from '../../apps/payments/src/payments/payment.entity.js';
import { PaymentProvider } from '../../apps/payments/src/payments/payment-provider.js';
import { Refusal } from '../../apps/payments/src/payments/refusal.entity.js';

/** Another system that is away, until it is back; it counts who asked in vain. */
const provider = { isAway: true, refused: 0, asked: [] as string[] };

function ask(orderId: string): void {
  if (!provider.isAway) provider.asked.push(orderId);
  else {
    provider.refused += 1;
    throw new Error('connect ECONNREFUSED');
  }
}

const tables = [Payment, Refusal, Account, Notification].map((entity) => ({
  provide: getRepositoryToken(entity),
  useValue: { insert: async () => undefined, increment: async () => undefined },
}));

@Module({
  controllers: [Paying],
  providers: [
    ...tables,
    {
      provide: PaymentProvider,
      useValue: {
        charge: async ({ orderId }: { orderId: string }) => {
          ask(orderId);
          return { outcome: 'charged', chargeId: 'ch_1' };
        },
      },
    },
  ],
})
class PaymentsModule {}

@Module({
  controllers: [Notifying],
  providers: [
    ...tables,
    { provide: MailProvider, useValue: { send: async ({ orderId }: { orderId: string }) => ask(orderId) } },
  ],
})
class NotificationsModule {}

describe('a provider that is away for ten minutes', () => {
  const orderId = randomUUID();
  let app: TestApplication;

  afterEach(() => app.close());

  it.each([
    ['payment', PaymentsModule, Object.assign(new OrderPlaced(), { orderId, totalCents: 500 })],
    ['mail', NotificationsModule, Object.assign(new OrderShipped(), { orderId, trackingCode: 'T-1' })],
  ])('costs no %s: it is asked again until it is back', async (_, module, event) => {
    Object.assign(provider, { isAway: true, refused: 0, asked: [] });
    app = await testExactlyOnce(module);

    await expect(app.deliver(event)).rejects.toThrow('attempt 1 failed');
    await app.clock.advance(600_000);
    expect(provider.refused).toBeGreaterThan(5);
    expect(await app.deadLetters()).toEqual([]);
    provider.isAway = false;
    await app.clock.advance(30_000);

    expect(provider.asked).toEqual([orderId]);
    expect(await app.deadLetters()).toEqual([]);
  });
});
