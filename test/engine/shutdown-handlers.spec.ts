import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryWorld } from './memory-world.js';

const event = {
  id: '1',
  source: 'rabbit',
  type: 'happened',
  version: 1,
  topic: 'queue',
  key: null,
  timeMs: null,
  contentType: 'application/json',
  headers: {},
  traceparent: null,
  tracestate: null,
  body: null,
};
const delivery = {
  topic: 'queue',
  partition: 0,
  offset: 0n,
  key: null,
  headers: {},
  body: Buffer.from('{}'),
  timestampMs: 0,
};

describe('handlers at shutdown', () => {
  let world: MemoryWorld;

  beforeEach(() => {
    world = new MemoryWorld();
  });

  afterEach(async () => {
    await world.stop();
  });

  describe('the deliveries of another transport at shutdown', () => {
    const deliver = (invoke: () => Promise<void>) =>
      world.engine
        .handleForeign({
          handler: 'foreign',
          delivery: { ...delivery },
          read: () => event,
          data: {},
          invoke,
        })
        .then(
          () => 'resolved',
          (error: { code?: string }) => error.code ?? String(error),
        );

    it('are refused, so that nobody acknowledges them', async () => {
      let calls = 0;
      await world.start([], { foreignHandlers: [{ name: 'foreign' }] });

      await world.engine.drain();
      const answer = await deliver(async () => void calls++);

      expect(answer).toBe('EO_SHUTTING_DOWN');
      expect(calls).toBe(0);
    });

    it('are cut after the grace time, rolled back, and refused', async () => {
      await world.start([], { foreignHandlers: [{ name: 'foreign' }], shutdownMs: 500 });
      const answer = deliver(async () => {
        world.ledger.append({ handler: 'foreign', id: '1' });
        await new Promise(() => {});
      });
      await world.pass();

      const stopping = world.engine.stop();
      await world.pass(1_000);
      await stopping;

      expect(await answer).toBe('EO_SHUTTING_DOWN');
      expect(world.effects).toEqual([]);
    });
  });

  it('cuts a handler that outlives the grace time: its signal aborts and nothing of it is kept', async () => {
    const reasons: unknown[] = [];
    await world.start(
      [
        world.handler('h', async ({ signal }) => {
          signal.addEventListener('abort', () => reasons.push((signal.reason as { code: string }).code));
          await new Promise(() => {});
        }),
      ],
      { shutdownMs: 500 },
    );
    world.feed('1');
    await world.pass();

    const stopping = world.engine.stop();
    await world.pass(400);
    expect(reasons).toEqual([]);
    await world.pass(200);
    await stopping;

    expect(reasons).toEqual(['EO_SHUTTING_DOWN']);
    expect(world.effects).toEqual([]);
    expect(world.letters).toEqual([]);
  });
});
