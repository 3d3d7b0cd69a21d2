import type { EventEnvelope, SendOutcome } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { anEvent, RelayWorld } from './relay-world.js';

describe('the order in which a relay publishes', () => {
  let world: RelayWorld;

  beforeEach(() => {
    world = new RelayWorld();
  });

  afterEach(() => world.close());

  describe('with a transaction that has published and is open', () => {
    it('sends nothing before it that was published after it, and all in order when it has ended', async () => {
      const slow = await world.open([anEvent('slow')]);
      await world.publish('fast');
      world.start('a');
      await world.clock.advance(500);
      const meanwhile = [...world.sent];

      await slow.commit();
      await world.publish('last');
      await world.clock.advance(200);

      expect(meanwhile).toEqual([]);
      expect(world.sent).toEqual(['slow', 'fast', 'last']);
    });

    it('goes on where it rolls back', async () => {
      const slow = await world.open([anEvent('slow')]);
      await world.publish('fast');
      world.start('a');
      await world.clock.advance(500);

      await slow.rollback();
      await world.clock.advance(100);

      expect(world.sent).toEqual(['fast']);
    });

    it('waits once for one that does not end, says so, and then lets all pass it by', async () => {
      const slow = await world.open([anEvent('slow')]);
      await world.publish('1');
      world.start('a');
      await world.clock.advance(900);
      const early = [...world.sent];
      await world.clock.advance(200);
      const overdue = [...world.sent];

      await world.publish('2');
      await world.clock.advance(110);
      const later = [...world.sent];
      await slow.commit();
      await world.clock.advance(110);

      expect([early, overdue, later]).toEqual([[], ['1'], ['1', '2']]);
      expect(world.sent).toEqual(['1', '2', 'slow']);
      expect(world.log.filter((line) => line.includes('stays open'))).toHaveLength(1);
    });

    it('sends what was to be seen when writers that have ended were still open, though others are', async () => {
      const first = await world.open([anEvent('first', { key: 'f' })]);
      await world.publish('1');
      world.start('a', { holdBackMs: 60_000 });
      await world.clock.advance(100);
      const second = await world.open([anEvent('second', { key: 's' })]);
      await world.publish('2');

      await first.commit();
      await world.clock.advance(200);
      const between = [...world.sent];
      await second.commit();
      await world.clock.advance(200);

      expect(between).toEqual(['first', '1']);
      expect(world.sent).toEqual(['first', '1', 'second', '2']);
    });
  });

  describe('where the broker refuses an event for good', () => {
    it('holds back its key and nothing else, until somebody decides', async () => {
      world.refused.add('large');
      const other = (id: string, more: Partial<EventEnvelope>) => anEvent(id, more);
      await world.publishAll([
        ...[anEvent('before'), anEvent('large'), anEvent('behind')],
        ...[
          other('other key', { key: 'j' }),
          other('other topic', { topic: 'p' }),
          other('keyless', { key: null }),
        ],
      ]);
      world.start('a', { batchSize: 2 });
      await world.clock.advance(500);
      await world.publish('behind, too');
      await world.clock.advance(500);
      const held = [...world.sent];
      const [dead] = await world.storage.outbox.dead.list(10);

      world.refused.clear();
      await world.storage.outbox.dead.retry([dead!.position]);
      await world.clock.advance(500);

      expect(held.sort()).toEqual(['before', 'keyless', 'other key', 'other topic']);
      expect(world.sent.slice(4)).toEqual(['large', 'behind', 'behind, too']);
      expect(world.log.join('\n')).toContain('others of its key wait behind it');
    });

    it('sends none of what was read ahead and stands behind it', async () => {
      world.refused.add('large');
      await world.publish('large', 'behind');
      world.start('a', { batchSize: 1 });
      await world.clock.advance(500);

      expect(world.sent).toEqual([]);
      expect(await world.storage.outbox.depth()).toMatchObject({ pending: 1, dead: 1 });
    });

    it.each(['retry', 'discard'] as const)(
      'lets nothing newer of its key pass after a %s, though a transaction is open that has published',
      async (decision) => {
        world.refused.add('large');
        world.start('a', { holdBackMs: 60_000 });
        await world.publish('large', 'b1', 'b2');
        await world.publishAll([anEvent('other', { key: 'j' })]);
        await world.clock.advance(500);
        const slow = await world.open([anEvent('slow', { key: 's' })]);
        await world.publishAll([anEvent('x', { key: 'j' })]);
        await world.clock.advance(200);
        const [dead] = await world.storage.outbox.dead.list(10);
        world.refused.clear();
        if (decision === 'retry') await world.storage.outbox.dead.retry([dead!.position]);
        else await world.storage.outbox.dead.discard([dead!.position], { by: 'me', why: 'nobody needs it' });
        await world.clock.advance(200);
        await slow.commit();
        await world.publish('new');
        await world.clock.advance(1_000);

        const ofKey = world.sent.filter((id) => !['other', 'slow', 'x'].includes(id));
        expect(ofKey).toEqual(decision === 'retry' ? ['large', 'b1', 'b2', 'new'] : ['b1', 'b2', 'new']);
      },
    );

    it('goes on behind it once it is discarded', async () => {
      world.refused.add('large');
      await world.publish('large', 'behind');
      world.start('a');
      await world.clock.advance(500);
      const [dead] = await world.storage.outbox.dead.list(10);

      await world.storage.outbox.dead.discard([dead!.position], { by: 'me', why: 'nobody needs it' });
      await world.clock.advance(500);

      expect(world.sent).toEqual(['behind']);
    });
  });

  it('reads the next batch while one is on its way, and sends one at a time', async () => {
    const claims: string[] = [];
    const claim = world.storage.outbox.claim.bind(world.storage.outbox);
    world.storage.outbox.claim = async (...given) => {
      const found = await claim(...given);
      claims.push(found.rows.map(({ event }) => event.id).join());
      return found;
    };
    const waiting: (() => void)[] = [];
    const publisher = {
      start: async () => {},
      stop: async () => {},
      send: async (events: readonly EventEnvelope[]): Promise<SendOutcome[]> => {
        await new Promise<void>((resolve) => waiting.push(resolve));
        return world.send(events);
      },
    };
    await world.publish('1', '2', '3', '4');
    world.start('a', { publisher, batchSize: 2 });
    await world.clock.advance(1);
    const during = [...claims];

    for (let sends = 0; sends < 2; sends++) {
      expect(waiting).toHaveLength(1);
      waiting.pop()!();
      await world.clock.advance(1);
    }

    expect(during).toEqual(['1,2', '1,2', '3,4']); // the first batch is looked at twice: see HoldBack
    expect(world.sent).toEqual(['1', '2', '3', '4']);
  });

  it('sends again what was on its way, and then what had been read ahead, where the answer was lost', async () => {
    let lost = true;
    const publisher = {
      start: async () => {},
      stop: async () => {},
      send: async (events: readonly EventEnvelope[]) => {
        const outcomes = await world.send(events);
        if (lost) throw new Error('no answer');
        return outcomes;
      },
    };
    await world.publish('1', '2', '3');
    world.start('a', { publisher, batchSize: 1 });
    await world.clock.advance(1);
    lost = false;
    await world.clock.advance(1_000);

    expect(world.sent).toEqual(['1', '1', '2', '3']);
  });

  it('finds, in time, what was put in before what it has done', async () => {
    await world.publish('1', '2');
    world.start('a');
    await world.clock.advance(100);
    const before = [...world.sent];
    const due = world.storage.outbox.due.bind(world.storage.outbox);
    world.storage.outbox.due = due;
    await world.publish('3');
    // As if it had been written with an earlier position than those that are done.
    const claim = world.storage.outbox.claim.bind(world.storage.outbox);
    world.storage.outbox.claim = (lease, limit, bounds) =>
      claim(lease, limit, { ...bounds, from: (bounds?.from ?? 0n) + (bounds?.from === 0n ? 0n : 10n) });
    await world.clock.advance(5_000);
    const meanwhile = [...world.sent];
    await world.clock.advance(10_000);

    expect([before, meanwhile]).toEqual([
      ['1', '2'],
      ['1', '2'],
    ]);
    expect(world.sent).toEqual(['1', '2', '3']);
  });
});
