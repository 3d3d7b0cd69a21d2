import { type EventContext, noTelemetry } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { key, MortalWorld, patient } from './mortal-world.js';

describe('an event that kills its process', () => {
  let world: MortalWorld;

  beforeEach(() => {
    world = new MortalWorld();
  });

  afterEach(async () => {
    await world.stop();
  });

  it('is parked after three deaths while it ran alone; its neighbours are handled', async () => {
    world.feed('A', 'K', 'B');

    for (let life = 1; life <= 5; life++) await world.begin([world.killing('h', 'K')]);
    expect(world.effects).toEqual(['h A']);
    expect(world.storage.parked.entries).toEqual([]);
    await world.begin([world.killing('h', 'K')]);

    expect(world.effects).toEqual(['h A', 'h B']);
    expect(world.calls.filter((call) => call === 'h K')).toHaveLength(5); // among neighbours, then as no suspect, then alone
    expect(world.waiting).toEqual(['K EO_PROCESS_KILLED, 3 deaths']);
    expect(world.letters).toEqual([]);
    expect(world.log.filter((line) => line.startsWith('parked: event happened "K"'))).toHaveLength(1);
  });

  it('is parked once, however often it comes again', async () => {
    world.feed('K');
    for (let life = 1; life <= 6; life++) await world.begin([world.killing('h', 'K')]);

    world.feed('K', 'B');
    await world.begin([world.killing('h', 'K')]);

    expect(world.waiting).toEqual(['K EO_PROCESS_KILLED, 3 deaths']);
    expect(world.effects).toEqual(['h B']);
  });

  it('is given up where that was asked for', async () => {
    world.feed('K', 'B');

    for (let life = 1; life <= 6; life++)
      await world.begin([world.killing('h', 'K')], { processKillers: 'dead-letter' });

    expect(world.letters).toEqual(['h EO_PROCESS_KILLED K']);
    expect(world.waiting).toEqual([]);
    expect(world.effects).toEqual(['h B']);
  });

  it('is not looked for behind an owner that left in order: no mark, and groups as ever', async () => {
    world.feed('A', 'B', 'C');
    const { owner } = await world.begin([world.handler('h')]);
    await world.storage.fences.release(key, owner);
    const sizes = world.countAtCommits();

    world.feed('D', 'E');
    await world.begin([world.handler('h')]);

    expect(world.marks).toEqual([]);
    expect(sizes).toEqual([5]);
  });

  it('is looked for only as far as one transaction can have reached', async () => {
    await world.begin([world.killing('h', 'none')]);
    world.feed('A', 'B', 'C', 'D', 'E', 'F');
    const sizes = world.countAtCommits();

    await world.begin([world.handler('h')], { batch: { maxEvents: 2 } });

    expect(world.marks).toEqual(['0 h', '1 h']);
    expect(sizes).toEqual([1, 2, 4, 6]);
  });

  describe('and an innocent one', () => {
    it('that three deploys killed is handled', async () => {
      world.feed('A', 'I', 'B');

      for (let deploy = 1; deploy <= 3; deploy++) await world.begin([world.killing('h', 'I')]);
      await world.begin([world.handler('h')]);

      expect(world.effects).toEqual(['h A', 'h I', 'h B']);
      expect(world.waiting).toEqual([]);
    });

    it('is not accused with it where both ran at the same time, on other partitions', async () => {
      world.feed('K', 'A');
      world.broker.append('beside', world.message('I'), world.message('J'));
      const beside = world.killing('h', 'K');
      const handler = {
        ...beside,
        invoke: async (data: unknown, context: EventContext) => {
          if (context.id !== 'K') await world.takes(3);
          await beside.invoke!(data, context);
        },
      };

      for (let life = 1; life <= 7; life++) await world.begin([handler]);

      expect([...world.effects].sort()).toEqual(['h A', 'h I', 'h J']);
      expect(world.waiting).toEqual(['K EO_PROCESS_KILLED, 3 deaths']);
    });

    it('is never accused of a death beside others', async () => {
      world.feed('I');
      for (let death = 1; death <= 5; death++) await world.begin([world.killing('h', 'I')], {}, true);

      await world.begin([world.handler('h')]);

      expect(world.effects).toEqual(['h I']);
    });

    it('is not accused where the process was told to leave before it died', async () => {
      world.feed('I');
      await world.begin([world.killing('h', 'I')]);

      for (let deploy = 1; deploy <= 4; deploy++) {
        let told = () => {};
        const sign = new Promise<void>((resolve) => {
          told = resolve;
        });
        const handler = world.handler('h', () => sign.then(() => world.die()), patient);
        const { draining } = await world.begin([handler]);
        draining.abort();
        await world.pass();
        told();
        await world.pass();
      }
      await world.begin([world.handler('h')]);

      expect(world.effects).toEqual(['h I']);
    });

    it('is not accused by an owner that lost the partition and lives', async () => {
      world.feed('I');
      await world.begin([world.killing('h', 'I')]);

      for (let loss = 1; loss <= 4; loss++) {
        const handler = world.handler('h', async () => world.ownTransaction().rollback(), patient);
        const { owner } = await world.begin([handler]);
        const taken = await world.storage.fences.claim(key, `thief ${loss}`, 0n);
        expect(taken.suspect?.owners).toEqual([]);
        expect(owner).toBe(`process ${world.processes}`);
      }
      await world.begin([world.handler('h')]);

      expect(world.effects).toEqual(['h I']);
    });

    it('is not accused of what happens between two of its attempts', async () => {
      world.feed('I');
      await world.begin([world.killing('h', 'I')]);
      const failing = () => {
        throw new Error('not yet');
      };

      for (let deploy = 1; deploy <= 4; deploy++) {
        await world.begin([
          world.handler('h', failing, {
            order: 'partition',
            retry: { attempts: 9, backoffMs: 2_000_000_000, maxBackoffMs: 2_000_000_000 },
          }),
        ]);
      }
      await world.begin([world.handler('h')]);

      expect(world.effects).toEqual(['h I']);
    });
  });

  describe('holds up', () => {
    it('the later events of its key, in order, and no others', async () => {
      world.feedKeyed(['K', 'k'], ['A', 'a'], ['K2', 'k'], ['K3', 'k'], ['B', 'b']);

      for (let life = 1; life <= 6; life++) await world.begin([world.killing('h', 'K')]);

      expect(world.effects).toEqual(['h A', 'h B']);
      expect(world.waiting).toEqual([
        'K EO_PROCESS_KILLED, 3 deaths',
        'K2 EO_KEY_PARKED, 0 deaths',
        'K3 EO_KEY_PARKED, 0 deaths',
      ]);
    });

    it('those that come later to an owner that found all in order', async () => {
      world.feedKeyed(['K', 'k']);
      for (let life = 1; life <= 5; life++) await world.begin([world.killing('h', 'K')]);
      const { owner } = await world.begin([world.killing('h', 'K')]);
      await world.storage.fences.release(key, owner);

      world.feedKeyed(['A', 'a'], ['K2', 'k'], ['B', 'b'], ['K2', 'k']);
      await world.begin([world.killing('h', 'K')]);

      expect(world.effects).toEqual(['h A', 'h B']);
      expect(world.waiting).toEqual(['K EO_PROCESS_KILLED, 3 deaths', 'K2 EO_KEY_PARKED, 0 deaths']);
    });

    it('nothing of another handler', async () => {
      world.feedKeyed(['K', 'k'], ['K2', 'k']);

      for (let life = 1; life <= 6; life++)
        await world.begin([world.handler('good'), world.killing('bad', 'K')]);

      expect(world.effects).toEqual(['good K', 'good K2']);
      expect(
        world.storage.parked.entries.map(({ handlerId }) => world.storage.handlers.nameOf(handlerId)),
      ).toEqual(['bad', 'bad']);
    });

    it('nothing where it has no key', async () => {
      world.feed('K', 'A', 'B');

      for (let life = 1; life <= 6; life++) await world.begin([world.killing('h', 'K')]);

      expect(world.effects).toEqual(['h A', 'h B']);
      expect(world.waiting).toEqual(['K EO_PROCESS_KILLED, 3 deaths']);
    });
  });

  it.each([
    ["commit: 'event'", { commit: 'event' }],
    ["dedup: 'offset'", { dedup: 'offset' }],
  ] as const)('is found with %s', async (_, options) => {
    world.feedKeyed(['A', 'a'], ['K', 'k'], ['K2', 'k'], ['B', 'b']);

    for (let life = 1; life <= 6; life++) await world.begin([world.killing('h', 'K', options)]);

    expect(world.effects).toEqual(['h A', 'h B']);
    expect(world.waiting).toEqual(['K EO_PROCESS_KILLED, 3 deaths', 'K2 EO_KEY_PARKED, 0 deaths']);
  });

  it('is found in a batch handler', async () => {
    const calls: string[] = [];
    const { invoke: _, ...definition } = world.handler('h', () => {}, patient);
    const handler = {
      ...definition,
      batch: 10,
      invokeBatch: async (_events: readonly unknown[], contexts: readonly EventContext[]) => {
        const ids = contexts.map(({ id }) => id);
        calls.push(ids.join(' '));
        if (ids.includes('K')) await world.die();
      },
    };
    world.feed('A', 'K', 'B');

    for (let life = 1; life <= 6; life++) await world.begin([handler]);

    expect(calls).toEqual(['A K B', 'A', 'K', 'K', 'K', 'K', 'B']);
    expect(world.waiting).toEqual(['K EO_PROCESS_KILLED, 3 deaths']);
  });

  it('is named by health, and counted', async () => {
    const counted: string[] = [];
    world.feedKeyed(['K', 'k'], ['K2', 'k']);
    for (let life = 1; life <= 6; life++) {
      await world.begin([world.killing('h', 'K')], {
        telemetry: {
          ...noTelemetry,
          count: (name, value) => void (name === 'exactly_once.parked' && counted.push(`${value}`)),
        },
      });
    }
    await world.pass(11_000);

    expect(counted).toEqual(['1', '1']);
    expect(world.engine.health()).toMatchObject({
      status: 'up',
      parts: { parked: { reason: '2 parked, first key "k" of in for h (EO_PROCESS_KILLED)' } },
    });
  });

  it('is not looked for where a position keeps no marks', async () => {
    const { fences } = world.storage;
    Object.assign(fences, { accuse: undefined, acquit: undefined });
    world.feed('A', 'B');
    await world.begin([world.killing('h', 'A')]);
    const sizes = world.countAtCommits();

    await world.begin([world.handler('h')]);

    expect(sizes).toEqual([2]);
  });

  it('refuses a word that is none', async () => {
    await expect(world.start([], { processKillers: 'parc' as never })).rejects.toThrow(/did you mean "park"/);
    await world.start([]);
  });
});
