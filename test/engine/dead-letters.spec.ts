import {
  discardLetters,
  ExactlyOnceError,
  type ParkedScope,
  PermanentError,
  replayLetters,
} from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { caused, MemoryWorld } from './memory-world.js';

describe('a dead letter that somebody decides about', () => {
  let world: MemoryWorld;
  let broken: boolean;
  let seen: { body: unknown; dryRun: boolean }[];

  beforeEach(async () => {
    world = new MemoryWorld();
    broken = true;
    seen = [];
    const handler = world.handler('h', async (context, data) => {
      seen.push({ body: data, dryRun: context.dryRun });
      if (broken) throw new PermanentError('not today');
      await world.engine.outbox.publish(caused, { by: context.id });
    });
    await world.start([handler], { relay: false });
    world.feed('A', 'B');
    await world.pass(10);
  });

  afterEach(() => world.stop());

  const store = () => world.engine.deadLetters;
  const retryAll = async () => {
    for (const scope of await world.engine.parked()) await world.engine.retryParked(scope as ParkedScope);
  };

  it('is handled once by its replay, and never again by its event', async () => {
    broken = false;

    const report = await replayLetters(store(), {}, 'ada');
    const again = await replayLetters(store(), { ids: [1n] }, 'bob');
    await retryAll();
    world.feed('A', 'B');
    await world.pass(10);

    expect(report).toEqual({ replayed: 2, refused: [] });
    expect(again).toEqual({ replayed: 0, refused: [{ id: 1n, outcome: 'not-dead' }] });
    expect(world.effects).toEqual(['h A', 'h B']);
    expect((await store().list({}, 9)).map(({ state }) => state)).toEqual(['replayed', 'replayed']);
  });

  it('is retried by the engine itself, and where that fails its new letter says of which it is the replay', async () => {
    await replayLetters(store(), { ids: [1n] }, 'ada');
    await world.pass(5_000);
    broken = false;
    await replayLetters(store(), { ids: [2n] }, 'ada');
    await world.pass(5_000);

    expect(world.effects).toEqual(['h B']);
    expect((await store().list({ state: 'dead' }, 9)).map(({ id, eventId }) => [id, eventId])).toEqual([
      [3n, 'A'],
    ]);
    expect((await store().find(3n))?.replayOf).toBe(1n);
    expect(await world.engine.parked()).toEqual([]);
  });

  it.each(['when it is due', 'by hand'])(
    'waits for the batch that began before it was replayed, %s: an event of its key may be in that',
    async (how) => {
      await world.stop();
      world = new MemoryWorld();
      const running = new Set<string>();
      const beside: string[][] = [];
      let fails = true;
      const handler = world.handler('h', async ({ id }) => {
        if (id === 'A' && fails) throw new PermanentError('not today');
        running.add(id);
        beside.push([...running]);
        await world.clock.sleep(id === 'B' ? 4_000 : 10);
        running.delete(id);
      });
      await world.start([handler], { relay: false });
      world.broker.append('in', { ...world.message('A'), key: 'k' });
      await world.pass(10);
      fails = false;
      world.broker.append('in', { ...world.message('B'), key: 'k' });
      await world.pass(10);
      await replayLetters(store(), {}, 'ada');
      if (how === 'by hand') {
        world.storage.parked.upcoming = async () => [];
        const [scope] = await world.engine.parked();
        void world.engine.retryParked(scope!);
      }
      await world.pass(10_000);

      expect(beside).toEqual([['B'], ['A']]);
      expect(world.effects).toEqual(['h B', 'h A']);
    },
  );

  it('is handled with the body that somebody gave it', async () => {
    broken = false;
    seen = [];
    await store().edit(1n, Buffer.from('{"better":true}'), 'ada');

    await replayLetters(store(), { ids: [1n] }, 'ada');
    await retryAll();

    expect(seen).toEqual([{ body: { better: true }, dryRun: false }]);
  });

  it('is not looked at where it died after the call began', async () => {
    const dying = store();
    const replay = dying.replay.bind(dying);
    dying.replay = async (ids, by) => {
      const answers = await replay(ids, by);
      world.feed(`late ${ids[0]}`);
      await world.pass(10);
      return answers;
    };

    const report = await replayLetters(dying, {}, 'ada');

    expect(report.replayed).toBe(2);
    expect((await store().list({ state: 'dead' }, 9)).map(({ eventId }) => eventId)).toEqual(['late 1']);
  });

  it('keeps the order of its key through a second replay, also from one step to the next', async () => {
    await replayLetters(store(), { ids: [1n] }, 'ada');
    await world.pass(5_000);
    world.feed(...Array.from({ length: 250 }, (_, number) => `${number}`));
    await world.pass(100);
    const asked: bigint[] = [];
    const replaying = store();
    const replay = replaying.replay.bind(replaying);
    replaying.replay = (ids, by) => {
      asked.push(...ids);
      return replay(ids, by);
    };

    await replayLetters(replaying, {}, 'ada');
    await replayLetters(replaying, { ids: [2n, 3n] }, 'ada');

    expect(asked.slice(0, 3)).toEqual([3n, 2n, 4n]);
    expect(asked.slice(252)).toEqual([3n, 2n]);
  });

  it('takes many in steps, and says how far it is', async () => {
    world.feed(...Array.from({ length: 448 }, (_, number) => `${number}`));
    await world.pass(100);
    const looked: number[] = [];

    const report = await discardLetters(store(), { type: 'happened' }, { by: 'ada', why: 'x' }, (count) =>
      looked.push(count),
    );

    expect(report).toEqual({ discarded: 450, notDead: [] });
    expect(looked).toEqual([200, 400, 450]);
  });

  it.each([
    ['name', () => replayLetters(world.engine.deadLetters, {}, ' ')],
    ['reason', () => discardLetters(world.engine.deadLetters, {}, { by: 'ada', why: '' })],
  ])('is not decided about without a %s', async (_, decide) => {
    await expect(decide()).rejects.toMatchObject({ code: 'EO_OPTION_INVALID' });
    expect(await store().count()).toBe(2);
  });

  describe('in a dry run', () => {
    it('shows what its handler would publish, and leaves nothing behind', async () => {
      broken = false;
      seen = [];

      const { failure, published } = await world.engine.dryRun(1n);

      expect(failure).toBeNull();
      expect(published.map(({ topic, type, key }) => [topic, type, key])).toEqual([['out', 'caused', 'A']]);
      expect(seen).toEqual([{ body: {}, dryRun: true }]);
      expect(world.effects).toEqual([]);
      expect(await world.storage.outbox.depth()).toMatchObject({ pending: 0 });
      expect(await store().count()).toBe(2);
    });

    it('shows why its handler fails', async () => {
      const { failure, published } = await world.engine.dryRun(1n);

      expect(failure).toMatchObject({ code: 'EO_PERMANENT' });
      expect(failure!.errorChain[0]).toContain('not today');
      expect(published).toEqual([]);
    });

    it('is refused where there is no such letter, no such handler here, or a transaction around it', async () => {
      const unknown = await world.engine.dryRun(99n).catch((error: unknown) => error);
      await world.stop();
      await world.start([world.handler('other', () => {}, { new: true })], { retiredHandlers: ['h'] });
      const elsewhere = await world.engine.dryRun(1n).catch((error: unknown) => error);
      const inside = await world.engine
        .transaction(() => world.engine.dryRun(1n))
        .catch((error: unknown) => error);

      expect([unknown, elsewhere, inside].map((error) => (error as ExactlyOnceError).code)).toEqual([
        'EO_OPTION_INVALID',
        'EO_OPTION_INVALID',
        'EO_TRANSACTION_OWNED',
      ]);
    });
  });

  it('is all that an idle engine looks at', async () => {
    await world.stop();
    await world.start([world.handler('h')], { idle: true });
    world.feed('C');
    await world.pass(100);

    const { failure } = await world.engine.dryRun(1n);

    expect(failure).toBeNull();
    expect(world.effects).toEqual([]);
    expect(world.calls.filter((call) => call === 'h C')).toEqual([]);
  });
});

describe('a letter that was decided about', () => {
  it('is forgotten when its time is over, and no other', async () => {
    const world = new MemoryWorld();
    const failing = world.handler('h', () => {
      throw new PermanentError('no');
    });
    const retention = { intervalMs: 1_000, decidedDays: 1 / 144 };
    await world.start([failing], { relay: false, retention });
    world.feed('A', 'B');
    await world.pass(10);
    const left = async () => (await world.engine.deadLetters.list({}, 9)).map(({ id }) => id);

    await discardLetters(world.engine.deadLetters, { ids: [1n] }, { by: 'ada', why: 'x' });
    await world.pass(9 * 60_000);
    expect(await left()).toEqual([1n, 2n]);
    await world.pass(2 * 60_000);

    expect(await left()).toEqual([2n]);
    await world.stop();
  });
});
