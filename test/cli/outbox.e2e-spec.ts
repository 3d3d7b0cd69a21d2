import { userInfo } from 'node:os';
import type { Lease, Storage } from '@exactly-once/core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { anEvent, begun, StorageWorld, sealAndCommit } from '../typeorm/storage-world.js';
import { runTool } from './run-tool.js';

describe('exactly-once outbox', () => {
  let world: StorageWorld;
  let storage: Storage;
  let lease: Lease;

  beforeAll(async () => {
    world = await StorageWorld.open('outbox_tool');
    storage = await world.storage();
  });

  beforeEach(async () => {
    lease = (await storage.leases.acquire(0, 'test', 600_000))!;
  });

  afterEach(async () => {
    await world.clear();
    await world.database.query('TRUNCATE eo_outbox_archive');
  });

  afterAll(() => world.close());

  const outbox = (...words: string[]) => runTool(['outbox', ...words], { DATABASE_URL: world.database.url });
  const claimed = async () => (await storage.outbox.claim(lease, 100)).rows.map(({ event }) => event.id);

  /** Publishes events of one key and refuses the first; their positions. */
  async function refused(key: string, ...ids: string[]): Promise<string[]> {
    const transaction = await storage.begin(begun);
    transaction.outgoing.push(...ids.map((id) => ({ event: anEvent({ id, key }), deliverAtMs: null })));
    await sealAndCommit(transaction);
    const rows = await storage.outbox.claim(lease, 100);
    const positions = ids.map((id) => rows.rows.find(({ event }) => event.id === id)!.position);
    await storage.outbox.refuse(lease, positions[0]!, 'MESSAGE_TOO_LARGE');
    return positions.map(String);
  }

  it('lists what is dead as a table and as JSON, page by page', async () => {
    const [first] = await refused('key \u001b[31m', 'large', 'waits');
    const [second] = await refused('other', 'larger');

    const { out, code } = await outbox('list');
    const lines = out.trimEnd().split('\n');
    expect(code).toBe(0);
    expect(lines[0]).toMatch(/^POSITION {2}TOPIC +KEY +TYPE +ID +CREATED +WAITING {2}REASON$/);
    expect(lines[1]).toMatch(
      new RegExp(
        `^${first} +orders +key \\\\u001b\\[31m +order\\.placed +large +\\S+Z +1 +MESSAGE_TOO_LARGE$`,
      ),
    );
    expect(lines).toHaveLength(3);

    const page = await outbox('list', '--json', '--limit', '1', '--after', first!);
    expect(JSON.parse(page.out)).toEqual([
      {
        ...{ position: second, topic: 'orders', key: 'other', type: 'order.placed', source: 'test' },
        ...{ id: 'larger', reason: 'MESSAGE_TOO_LARGE', waiting: 0 },
        createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
      },
    ]);
  });

  it('says that nothing is dead', async () => {
    expect(await outbox('list')).toEqual({ code: 0, out: 'No event is dead.\n', err: '' });
    expect(await outbox('list', '--json')).toEqual({ code: 0, out: '[]\n', err: '' });
    expect(await outbox('retry', '--all')).toEqual({ code: 0, out: '0 events retried.\n', err: '' });
  });

  it('sends events again in their old place, and says by its exit code what was not dead', async () => {
    const [dead] = await refused('key', 'large', 'waits');

    const first = await outbox('retry', dead!);
    const again = await outbox('retry', dead!, '--json');

    expect(first).toEqual({ code: 0, out: '1 event retried.\n', err: '' });
    expect(again).toEqual({ code: 3, out: `{"retried":[],"notDead":["${dead}"]}\n`, err: '' });
    expect(await claimed()).toEqual(['large', 'waits']);
  });

  it('sends all that are dead again', async () => {
    await refused('one', '1');
    await refused('two', '2');

    expect(await outbox('retry', '--all')).toEqual({ code: 0, out: '2 events retried.\n', err: '' });
    expect(await claimed()).toEqual(['1', '2']);
  });

  it('gives an event up for a reason, keeps it with who and why, and lets its key go on', async () => {
    const [first] = await refused('key', 'large', 'waits');
    const [second] = await refused('other', 'larger');

    const mine = await outbox('discard', first!, '--reason', 'told to the customer');
    const hers = await outbox('discard', second!, first!, '--reason', 'too', '--by', 'ada', '--json');

    expect(mine).toEqual({ code: 0, out: '1 event discarded.\n', err: '' });
    expect(hers.code).toBe(3);
    expect(JSON.parse(hers.out)).toEqual({ discarded: [second], notDead: [first] });
    expect(await claimed()).toEqual(['waits']);
    const archive = JSON.parse((await outbox('list', '--archive', '--json')).out) as object[];
    expect(archive).toMatchObject([
      { position: first, state: 'discarded', keepUntil: null, decidedBy: userInfo().username },
      { position: second, state: 'discarded', decidedBy: 'ada', decidedWhy: 'too' },
    ]);
    expect((await outbox('list', '--archive')).out).toContain('told to the customer');
  });

  it('leaves one decision standing where two operators meet', async () => {
    const positions: string[] = [];
    for (const id of ['1', '2', '3', '4']) positions.push(...(await refused(id, id)));

    const [retried, discarded] = await Promise.all([
      outbox('retry', ...positions, '--json'),
      outbox('discard', ...positions.toReversed(), '--reason', 'x', '--json'),
    ]);

    const won = [JSON.parse(retried.out).retried, JSON.parse(discarded.out).discarded] as string[][];
    expect(won.flat().sort()).toEqual(positions.sort());
    expect(await claimed()).toHaveLength(won[0]!.length);
  });
});
