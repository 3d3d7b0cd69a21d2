import type { Storage } from '@exactly-once/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { StorageWorld } from '../typeorm/storage-world.js';
import { runTool } from './run-tool.js';

describe('exactly-once shards', () => {
  let world: StorageWorld;
  let storage: Storage;

  beforeAll(async () => {
    world = await StorageWorld.open('shards_tool');
    storage = await world.storage();
  });

  afterEach(async () => {
    await world.clear();
    await world.database.query('UPDATE eo_meta SET shard_count = 1, wanted_shard_count = NULL');
    await world.database.query('TRUNCATE eo_relay');
  });

  afterAll(() => world.close());

  const shards = (...words: string[]) => runTool(['shards', ...words], { DATABASE_URL: world.database.url });

  it('shows how many there are and who publishes which', async () => {
    const alone = await shards();
    await storage.leases.beat('payments-1', 60_000, []);
    await storage.leases.acquire(0, 'payments-1', 60_000);
    const held = await shards();
    const json = await shards('--json');

    expect(alone.out).toBe('1 shard\nNo relay runs.\n');
    expect(held.out).toMatch(/^1 shard\nRELAY +SINCE +SHARDS\npayments-1 +20\S+Z +0\n$/);
    expect(JSON.parse(json.out)).toEqual({
      shardCount: 1,
      wantedShardCount: null,
      relays: [{ name: 'payments-1', since: expect.stringMatching(/^20.*Z$/), shards: [0] }],
    });
  });

  it('asks for another number, and takes that back', async () => {
    const asked = await shards('8');
    const again = await shards();
    const back = await shards('1');

    expect(asked.out).toContain('1 shard, 8 wanted');
    expect(again.out).toContain('1 shard, 8 wanted');
    expect(back.out).toContain('1 shard\n');
  });

  it('refuses what is no number of shards', async () => {
    const answers = await Promise.all(['0', '1025', 'many'].map((word) => shards(word)));

    expect(answers.map(({ code }) => code)).toEqual([2, 2, 2]);
    expect(answers[0]!.err).toContain('1 to 1,024');
  });
});
