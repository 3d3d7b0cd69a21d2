import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../clock.js';
import { silentLogger } from '../telemetry/logger.js';
import type { ParkStore, UpcomingScope } from './park-store.js';
import { Retrier } from './retrier.js';

describe('the retrier', () => {
  it('comes to a key behind very many that it cannot take now', async () => {
    const due: UpcomingScope[] = Array.from({ length: 300 }, (_, handlerId) => ({
      ...{ handlerId, topic: 't', keyHash: Buffer.alloc(32), atMs: handlerId + 1 },
    }));
    const over = new AbortController();
    const retried = new Set<number>();
    const parked = {
      upcoming: async (_: readonly number[], limit: number) => due.slice(0, limit),
    } as Partial<ParkStore> as ParkStore;
    const parts = { parked, handlerIds: [1], clock: systemClock, logger: silentLogger, random: () => 1 };
    const retrier = new Retrier({
      ...{ ...parts, atOnce: 20 },
      retry: async ({ handlerId }) => {
        retried.add(handlerId);
        if (handlerId === 299 || retried.size > 1_000) over.abort();
        return { uncounted: new Error('its second database is away') };
      },
    });

    const giveUp = setTimeout(() => over.abort(), 10_000);
    await retrier.run(over.signal);
    clearTimeout(giveUp);

    expect(retried.has(299)).toBe(true);
  });
});
