import { hasCode, TransactionalSending } from '@exactly-once/core';
import { InMemoryBroker, InMemoryStorage, ManualClock } from '@exactly-once/testing';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { anEvent } from './relay-world.js';

describe('a relay that sends in transactions', () => {
  let clock: ManualClock;
  let storage: InMemoryStorage;
  let broker: InMemoryBroker;

  beforeEach(() => {
    clock = new ManualClock();
    storage = new InMemoryStorage(clock);
    broker = new InMemoryBroker();
  });

  function sendingOf(publisher = broker.transactionalPublisher()): TransactionalSending {
    const silent = () => {};
    const logger = { error: silent, warn: silent, info: silent, debug: silent };
    return new TransactionalSending({ outbox: storage.outbox, publisher, logger, archiveMs: 0 });
  }

  async function publish(...ids: string[]): Promise<void> {
    const transaction = await storage.begin();
    transaction.outgoing.push(...ids.map((id) => ({ event: anEvent(id), deliverAtMs: null })));
    await transaction.seal();
    await transaction.commit();
  }

  it('does not shut out the owner of a shard where it has lost the lease, as a zombie that resumes', async () => {
    await publish('a');
    const lost = (await storage.leases.acquire(0, 'zombie', 1_000))!;
    await clock.advance(1_001);
    const held = (await storage.leases.acquire(0, 'owner', 60_000))!;
    const owner = sendingOf().of(held);
    await owner.begin();

    const refused = await sendingOf()
      .of(lost)
      .begin()
      .catch((error: unknown) => error);
    const { rows } = await storage.outbox.claim(held, 10);
    const { outcomes } = await owner.send(rows);

    expect(hasCode(refused, 'EO_LEASE_LOST')).toBe(true);
    expect(outcomes).toEqual([{ status: 'sent' }]);
  });

  it('tells the broker what is in doubt when it opens the shard', async () => {
    await publish('a');
    const first = (await storage.leases.acquire(0, 'first', 1_000))!;
    const { rows } = await storage.outbox.claim(first, 10);
    await storage.outbox.prepare(first, { token: 7n, positions: rows.map(({ position }) => position) }, null);
    await clock.advance(1_001);
    const next = (await storage.leases.acquire(0, 'next', 1_000))!;
    const publisher = broker.transactionalPublisher();
    const doubts: (readonly bigint[])[] = [];
    const open: typeof publisher.open = (shard, inDoubt) => {
      doubts.push(inDoubt);
      return publisher.open(shard, inDoubt);
    };

    await sendingOf({ open, stop: () => publisher.stop() })
      .of(next)
      .begin();

    expect(doubts).toEqual([[7n]]);
    expect((await storage.outbox.claim(next, 10)).rows).toHaveLength(1);
  });
});
