import { describe, expect, it } from '@jest/globals';
import { type ClaimRequest, claimPartition } from './partition-claim.js';

describe('claimPartition', () => {
  const key = { group: 'g', topic: 't', partition: 1 };

  /** A fence at 698, and a group that stands at `committed`. */
  function request(committed: bigint, commit: (next: bigint) => Promise<void>, held = true) {
    const done: string[] = [];
    const row = { nextOffset: 698n, owner: 'other', clean: false, lastFingerprint: null, suspect: null };
    const fences = {
      claim: async () => row,
      reposition: async (_key: unknown, _owner: string, next: bigint) => {
        if (held) done.push(`fence at ${next}`);
        return held;
      },
      release: async () => undefined,
    };
    const offsets = { of: async () => ({ committed, low: 0n, high: 900n }) };
    const asked = {
      ...{ key, offsets, storage: { fences }, owner: 'me', startFrom: 'earliest', dedup: 'inbox' },
      commit: async (next: bigint) => {
        await commit(next);
        done.push(`broker at ${next}`);
      },
    };
    return { asked: asked as unknown as ClaimRequest, done };
  }

  it('sets the fence back to where the group stands, the broker first', async () => {
    const { asked, done } = request(594n, async () => undefined);

    const { position } = await claimPartition(asked);

    expect(position.offset).toBe(594n);
    expect(done).toEqual(['broker at 594', 'fence at 594']);
  });

  it('leaves the fence as it is where it is no member of the present generation', async () => {
    const { asked, done } = request(594n, async () => {
      throw new Error('Specified group generation id is not valid');
    });

    await expect(claimPartition(asked)).rejects.toThrow('generation');
    expect(done).toEqual([]);
  });

  it.each([
    ['set back', 594n, 900n],
    ['begun anew', 594n, 600n],
  ])('is refused where another has claimed it before the fence is %s', async (_, committed, high) => {
    const { asked } = request(committed, async () => undefined, false);
    const offsets = { of: async () => ({ committed, low: 0n, high }) };

    const refused = claimPartition({ ...asked, offsets } as unknown as ClaimRequest);

    await expect(refused).rejects.toMatchObject({ code: 'EO_FENCED' });
  });

  it('commits nothing where both agree', async () => {
    const { asked, done } = request(698n, async () => undefined);

    await claimPartition(asked);

    expect(done).toEqual([]);
  });
});
