import type { EventCodec, PublishOptions } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { caused, MemoryWorld } from './memory-world.js';

describe('publishing', () => {
  let world: MemoryWorld;

  beforeEach(() => {
    world = new MemoryWorld();
  });

  afterEach(async () => {
    await world.stop();
  });

  /** Takes as many milliseconds as the data say, and fails where they are negative. */
  const slowCodec = (): EventCodec => ({
    contentType: 'application/json',
    encode: async (data) => {
      const { ms } = data as { ms: number };
      await world.clock.sleep(Math.abs(ms));
      if (ms < 0) throw new Error('cannot be encoded');
      return Buffer.from(JSON.stringify(data));
    },
    decode: () => ({}),
  });
  const publish = (ms: number) => world.engine.outbox.publish(caused, { by: 'k', ms } as { by: string });
  const order = () =>
    world.broker
      .topic('out')
      .map(({ body }) => (JSON.parse(Buffer.from(body!).toString()) as { ms: number }).ms);
  const codeOf = (work: Promise<unknown>) =>
    work.then(
      () => 'resolved',
      (error: { code?: string }) => error.code ?? String(error),
    );

  it('keeps the order of the calls, however long each body takes to encode', async () => {
    await world.start([], { codec: slowCodec() });

    const running = world.engine.transaction(() => Promise.all([10, 5, 1].map(publish)));
    await world.pass(5_000);
    await running;

    expect(order()).toEqual([10, 5, 1]);
  });

  it('takes away with a savepoint what was published behind it, and nothing else', async () => {
    await world.start([], { codec: slowCodec() });

    const running = world.engine.transaction(async () => {
      const before = publish(50);
      const nested = world.engine.transaction(async () => {
        await publish(1);
        throw new Error('on purpose');
      });
      await expect(nested).rejects.toThrow('on purpose');
      await Promise.all([before, publish(2)]);
    });
    await world.pass(5_000);
    await running;

    expect(order()).toEqual([50, 2]);
  });

  it('writes nothing for an event that cannot be encoded, and keeps the others', async () => {
    await world.start([], { codec: slowCodec() });

    const running = world.engine.transaction(async () => {
      const failing = publish(-5);
      await publish(1);
      await expect(failing).rejects.toThrow('cannot be encoded');
    });
    await world.pass(5_000);
    await running;

    expect(order()).toEqual([1]);
  });

  it('is refused after the end of its scope, and then fails the event', async () => {
    let late: Promise<string> | null = null;
    await world.start([]);

    const running = world.engine.transaction(async () => {
      late = world.clock.sleep(10).then(() => codeOf(publish(1)));
    });
    await world.pass(5_000);
    await running;

    expect(await late).toBe('EO_TRANSACTION_ENDED');
    expect(world.published).toEqual([]);
  });

  it.each([
    ['a time that is none', { deliverAt: new Date('soon') }, /deliverAt/],
    ['a time that is no Date', { deliverAt: 17 }, /deliverAt/],
    ['a key that is no text', { key: 7 }, /key/],
    ['an empty topic', { topic: '' }, /topic/],
    ['a topic that is no text', { topic: {} }, /topic/],
    ['an id that is no text', { id: 7 }, /id/],
    ['an unknown option', { delverAt: new Date() }, /did you mean "deliverAt"/],
  ])('refuses %s at once', async (_, options, why) => {
    await world.start([]);
    const given = options as unknown as PublishOptions;

    const publishing = world.engine.transaction(() =>
      world.engine.outbox.publish(caused, { by: 'k' }, given),
    );

    await expect(publishing).rejects.toThrow(why);
  });

  it('refuses a key that the type makes of the data and that is no text', async () => {
    await world.start([]);

    const publishing = world.engine.transaction(() =>
      world.engine.outbox.publish(caused, { by: 7 as unknown as string }),
    );

    await expect(publishing).rejects.toMatchObject({ code: 'EO_OPTION_INVALID' });
  });

  it('hands on the headers of a received event, extension attributes among them', async () => {
    await world.start([
      world.handler('h', ({ headers }) => world.engine.outbox.publish(caused, { by: 'k' }, { headers })),
    ]);
    const { headers, body } = world.message('1');

    world.broker.append('in', {
      headers: { ...headers, ce_partitionkey: 'p', 'x-own': 'y', 'Content-Type': 'text/plain', CE_ID: 'no' },
      body,
    });
    await world.pass(5_000);

    expect(world.letters).toEqual([]);
    const [published] = world.broker.topic('out');
    const text = (name: string) => Buffer.from(published?.headers[name] ?? []).toString();
    expect([text('ce_partitionkey'), text('x-own'), text('content-type')]).toEqual([
      'p',
      'y',
      'application/json',
    ]);
    expect(text('ce_id')).not.toBe('no');
    expect(published?.headers).not.toHaveProperty('CE_ID');
  });

  it.each(['ce_id', 'CE_TYPE', 'Content-Type'])(
    'refuses the header %s, which the event sets itself',
    async (name) => {
      await world.start([]);

      const publishing = world.engine.transaction(() =>
        world.engine.outbox.publish(caused, { by: 'k' }, { headers: { [name]: 'x' } }),
      );

      await expect(publishing).rejects.toMatchObject({ code: 'EO_OPTION_INVALID' });
    },
  );
});

describe('a transaction inside another', () => {
  it('is refused an isolation level of its own', async () => {
    const world = new MemoryWorld();
    await world.start([]);

    const outer = world.engine.transaction(() =>
      world.engine.transaction(async () => {}, { isolation: 'SERIALIZABLE' }),
    );

    await expect(outer).rejects.toMatchObject({ code: 'EO_TRANSACTION_OWNED' });
    await world.stop();
  });
});
