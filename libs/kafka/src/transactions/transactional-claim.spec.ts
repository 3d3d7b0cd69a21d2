import { ExactlyOnceError } from '@exactly-once/core';
import { describe, expect, it } from '@jest/globals';
import { TransactionalClaim } from './transactional-claim.js';
import type { TransactionalProducer } from './transactional-producer.js';

/** A claim at offset 5, whose next commit ends as said; what the broker then has is `committed`. */
async function claimed(failure: 'EO_COMMIT_UNKNOWN' | 'EO_FENCED') {
  const broker = { committed: 5n as bigint | null, opened: 0, closed: 0 };
  const open = async () => {
    broker.opened++;
    const producer = {
      usable: true,
      commit: async () => {
        producer.usable = false;
        throw new ExactlyOnceError(failure, 'planned');
      },
      close: async () => {
        broker.closed++;
      },
    };
    return producer as unknown as TransactionalProducer;
  };
  const key = { group: 'g', topic: 't', partition: 0 };
  const claim = new TransactionalClaim({ key, owner: 'o', open, committed: async () => broker.committed });
  await claim.begin(0n);
  await claim.commit([], 8n).catch(() => undefined);
  return { claim, broker };
}

describe('a claim by a transactional id', () => {
  it('goes on with a new producer where what it tried was not committed', async () => {
    const { claim, broker } = await claimed('EO_COMMIT_UNKNOWN');

    expect(await claim.standsAt(5n)).toBe(true);

    expect(broker).toMatchObject({ opened: 2, closed: 1 });
  });

  it('takes over what turned out to be committed', async () => {
    const { claim, broker } = await claimed('EO_COMMIT_UNKNOWN');
    broker.committed = 8n;

    expect(await claim.standsAt(5n)).toBe(false);

    expect([claim.next, claim.over]).toEqual([8n, false]);
  });

  it.each([6n, null])('is over where somebody else moved the position to %s', async (committed) => {
    const { claim, broker } = await claimed('EO_COMMIT_UNKNOWN');
    broker.committed = committed;

    expect(await claim.standsAt(5n)).toBe(false);

    expect(claim.over).toBe(true);
    expect(broker).toMatchObject({ opened: 2, closed: 2 });
  });

  it('is over once it was fenced, and never initialises another producer', async () => {
    const { claim, broker } = await claimed('EO_FENCED');

    expect(await claim.standsAt(5n)).toBe(false);

    expect(broker).toMatchObject({ opened: 1, closed: 1 });
    await expect(claim.commit([], 9n)).rejects.toMatchObject({ code: 'EO_FENCED' });
  });
});
