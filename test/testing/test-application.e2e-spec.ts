import { DeliveryFailed, type TestApplication, testExactlyOnce } from '@exactly-once/testing';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { getRepositoryToken } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { OrderPlaced, Payment, PaymentCaptured, PaymentsModule } from './shop.js';

describe('a domain module, with nothing but an embedded database', () => {
  let app: TestApplication;

  beforeEach(async () => {
    app = await testExactlyOnce(PaymentsModule);
  });
  afterEach(() => app.close());

  const payments = () => app.get<Repository<Payment>>(getRepositoryToken(Payment)).find();

  it('handles an event once, however often it comes', async () => {
    const outcome = await app.deliverTwice(OrderPlaced.of('o-1', 500));

    expect(outcome).toBe('handled');
    expect(await payments()).toMatchObject([{ orderId: 'o-1', cents: 500 }]);
    expect(app.published(PaymentCaptured)).toMatchObject([
      { type: 'payment.captured', key: 'o-1', data: { orderId: 'o-1' } },
    ]);
    expect(app.published('order.placed')).toEqual([]);
  });

  it('begins with an empty database in each test', async () => {
    expect(await payments()).toEqual([]);
  });

  it('says of a copy that it is one', async () => {
    await app.deliver(OrderPlaced.of('o-1', 500), { id: 'e-1' });

    expect(await app.deliver(OrderPlaced.of('o-1', 500), { id: 'e-1' })).toBe('duplicate');
  });

  it('fails the test with the handler’s error, and retries when the time has come', async () => {
    const failing = app.deliver(OrderPlaced.of('broken', 1));

    await expect(failing).rejects.toThrow(
      'attempt 1 failed, the next one is due in 99 ms: clock.advance(99): Error: no such account',
    );
    await expect(failing).rejects.toBeInstanceOf(DeliveryFailed);
    expect(await app.deadLetters()).toEqual([]);
    await app.clock.advance(10_000);
    expect(await app.deadLetters()).toMatchObject([
      {
        type: 'order.placed',
        code: 'EO_HANDLER_FAILED',
        error: expect.stringContaining('no such account'),
        attempts: 5,
      },
    ]);
  });

  it('gives an event that is invalid up at once', async () => {
    await expect(app.deliver(OrderPlaced.of('o-1', 0))).rejects.toMatchObject({ fate: 'dead-lettered' });

    expect(await payments()).toEqual([]);
  });

  it('refuses an event that no handler takes', async () => {
    await expect(app.deliver(new PaymentCaptured('o-1'))).rejects.toThrow(
      'no handler of the module takes "payment.captured" from topic "payments"; topics with handlers: orders',
    );
  });
});
