import { userInfo } from 'node:os';
import type { DeadLetter, Storage } from '@exactly-once/core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { begun, StorageWorld, sealAndCommit } from '../typeorm/storage-world.js';
import { runTool } from './run-tool.js';

describe('exactly-once dead-letters', () => {
  let world: StorageWorld;
  let storage: Storage;
  let handlerId: number;

  beforeAll(async () => {
    world = await StorageWorld.open('dead_letters_tool');
    storage = await world.storage();
    const names = [{ name: 'capture' }, { name: 'payments/(nobody)' }];
    handlerId = (await storage.handlers.register('payments', names, () => undefined))[0]!.id;
  });

  beforeEach(async () => {
    await world.database.query('TRUNCATE eo_dead_letter, eo_parked_event, eo_parked_key RESTART IDENTITY');
  });

  afterEach(() => world.clear());
  afterAll(() => world.close());

  const tool = (...words: string[]) =>
    runTool(['dead-letters', ...words], { DATABASE_URL: world.database.url });
  const parked = async () => {
    const rows = await world.database.query('SELECT body FROM eo_parked_event ORDER BY position');
    return rows.map(({ body }) => String(body));
  };

  const letter = (id: string, given: Partial<DeadLetter> = {}): DeadLetter => ({
    ...{ handler: 'capture', topic: 'orders', partition: 0, offset: 7n, key: Buffer.from('k') },
    ...{ eventId: id, source: 'orders', type: 'order.placed', attempts: 5, code: 'EO_HANDLER_FAILED' },
    headers: { ce_specversion: '1.0', ce_id: id, ce_source: 'orders', ce_type: 'order.placed' },
    body: Buffer.from(`{"orderId":"${id}","cents":1}`),
    errorChain: ['Error: the card \u001b[31m was refused', 'Error: no answer'],
    firstAttemptAtMs: 1_700_000_000_123,
    serviceVersion: '1.2.3',
    target: {
      handlerId,
      ...{ keyHash: Buffer.alloc(32, 'k'), inboxKey: Buffer.from(id.padEnd(24)), timestampMs: 1 },
    },
    redacted: false,
    replayOf: null,
    ...given,
  });

  /** Their ids are 1, 2, 3, …. */
  async function dead(...letters: DeadLetter[]): Promise<void> {
    const transaction = await storage.begin(begun);
    for (const one of letters) await storage.deadLetters.insert(transaction, one);
    await sealAndCommit(transaction);
  }

  it('lists what is dead as a table and as JSON, by filter and page by page', async () => {
    await dead(letter('a'), letter('b', { type: 'other', code: 'EO_BODY_INVALID' }), letter('c'));

    const all = await tool('list');
    const some = await tool('list', '--type', 'order.placed', '--json', '--limit', '1', '--after', '1');
    const none = await tool('list', '--code', 'EO_BODY_INVALID', '--to', '1h');

    const lines = all.out.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^ID +DIED +HANDLER +TYPE +TOPIC +KEY +TRIES +CODE +STATE +ERROR$/);
    expect(lines[1]).toMatch(
      /^1 +\S+Z +capture +order\.placed +orders +k +5 +EO_HANDLER_FAILED +dead +Error: the card \\u001b/,
    );
    expect(lines).toHaveLength(4);
    expect(JSON.parse(some.out)).toMatchObject([
      { id: '3', eventId: 'c', key: 'k', state: 'dead', offset: '7', deadAt: expect.stringMatching(/Z$/) },
    ]);
    expect(none).toEqual({ code: 0, out: 'There is no such dead letter.\n', err: '' });
  });

  it('shows all of one, and says by its exit code that there is none', async () => {
    await dead(letter('a'));

    const text = await tool('show', '1');
    const json = await tool('show', '1', '--json');
    const none = await tool('show', '2');

    expect(text.out).toMatch(
      /error: +Error: the card \\u001b\[31m was refused\ncaused by: +Error: no answer/,
    );
    expect(text.out).toMatch(/body: +\{"orderId":"a","cents":1\}/);
    expect(JSON.parse(json.out)).toMatchObject({ id: '1', body: '{"orderId":"a","cents":1}', edits: [] });
    expect(none).toEqual({ code: 3, out: 'There is no dead letter 2.\n', err: '' });
  });

  it('replays one, once, and says what could not be replayed and why', async () => {
    await dead(letter('a'), letter('b', { target: null }));

    const first = await tool('replay', '1', '2', '9');
    const again = await tool('replay', '1', '--json');

    expect(first.code).toBe(3);
    expect(first.out).toMatch(/^1 letter replayed\.\n2: has no handler.*\n9: not dead.*\n$/);
    expect(again.code).toBe(3);
    expect(JSON.parse(again.out)).toEqual({ replayed: 0, refused: [{ id: '1', outcome: 'not-dead' }] });
    expect(await parked()).toEqual(['{"orderId":"a","cents":1}']);
    expect(JSON.parse((await tool('show', '1', '--json')).out)).toMatchObject({
      ...{ state: 'replayed', decidedBy: userInfo().username },
    });
  });

  it('means the same letters by each word of a filter, where it lists and where it replays them', async () => {
    const other: Partial<DeadLetter> = {
      ...{ handler: 'ship', type: 'order.cancelled', topic: 'returns', key: Buffer.from('o-2') },
      ...{ code: 'EO_BODY_INVALID', errorChain: ['SyntaxError: no JSON'] },
    };
    const words = [
      ...[
        ['--handler', 'ship'],
        ['--type', 'order.cancelled'],
        ['--topic', 'returns'],
        ['--key', 'o-2'],
      ],
      ...[
        ['--code', 'EO_BODY_INVALID'],
        ['--error', 'no JSON'],
        ['--from', '1h', '--type', 'order.cancelled'],
      ],
      ['--to', new Date(Date.now() + 60_000).toISOString(), '--handler', 'ship', '--key', 'o-2'],
    ];
    for (const filter of words) {
      await world.database.query('TRUNCATE eo_dead_letter, eo_parked_event, eo_parked_key RESTART IDENTITY');
      await dead(letter('a'), letter('b', other), letter('c', other), letter('d'));

      const listed = await tool('list', ...filter, '--json');
      const asked = await tool('replay', ...filter);
      const said = await tool('replay', ...filter, '--yes', '--json');

      const ids = (JSON.parse(listed.out) as { id: string }[]).map(({ id }) => id);
      expect([filter, ids]).toEqual([filter, ['2', '3']]);
      expect([filter, asked.code, asked.err]).toEqual([
        filter,
        4,
        expect.stringMatching(/^2 dead letters fit/),
      ]);
      expect([filter, said]).toEqual([filter, { code: 0, out: '{"replayed":2,"refused":[]}\n', err: '' }]);
      expect([filter, await storage.deadLetters.count()]).toEqual([filter, 2]);
    }
    const none = await tool('replay', '--to', '1h', '--yes');
    expect(none).toEqual({ code: 0, out: '0 letters replayed.\n', err: '' });
    expect((await tool('replay', '--yes')).code).toBe(2);
    expect((await tool('replay', '1', '--handler', 'ship', '--yes')).code).toBe(2);
  });

  it('asks before many, and takes silence for no', async () => {
    await dead(letter('a'), letter('b'), letter('c', { type: 'other' }));

    const silent = await tool('replay', '--type', 'order.placed');
    const untouched = await storage.deadLetters.count();
    const said = await tool('replay', '--type', 'order.placed', '--yes', '--by', 'ada');

    expect(silent).toEqual({ code: 4, out: '', err: '2 dead letters fit. Nothing was done: say --yes.\n' });
    expect(untouched).toBe(3);
    expect(said).toEqual({ code: 0, out: '2 letters replayed.\n', err: '' });
    expect(await storage.deadLetters.count()).toBe(1);
  });

  it('leaves one decision standing where two operators meet', async () => {
    await dead(...Array.from({ length: 40 }, (_, number) => letter(`${number}`)));

    const results = await Promise.all([
      tool('replay', '--all', '--yes', '--json'),
      tool('replay', '--all', '--yes', '--json'),
      tool('discard', '--all', '--yes', '--json', '--reason', 'x'),
    ]);

    const [one, two, three] = results.map(({ out }) => JSON.parse(out) as Record<string, number>);
    expect(one!['replayed']! + two!['replayed']! + three!['discarded']!).toBe(40);
    expect(await parked()).toHaveLength(one!['replayed']! + two!['replayed']!);
  });

  it('gives letters up for a reason, and lists them with it', async () => {
    await dead(letter('a'), letter('b'));

    const some = await tool('discard', '1', '--reason', 'told to the customer', '--by', 'ada');
    const again = await tool('discard', '1', '2', '--reason', 'x', '--json');

    expect(some).toEqual({ code: 0, out: '1 letter discarded.\n', err: '' });
    expect(again).toEqual({ code: 3, out: '{"discarded":1,"notDead":["1"]}\n', err: '' });
    const listed = JSON.parse((await tool('list', '--state', 'discarded', '--json')).out);
    expect(listed).toMatchObject([{ decidedBy: 'ada', decidedWhy: 'told to the customer' }, { id: '2' }]);
  });

  it('gives a letter another body and keeps what came', async () => {
    await dead(letter('a'));

    const edited = await tool('edit', '1', '--body', '{"cents":2}', '--by', 'ada');
    const shown = await tool('show', '1');
    await tool('replay', '1');
    const late = await tool('edit', '1', '--body', '{}');

    expect(edited.code).toBe(0);
    expect(shown.out).toMatch(/body: +\{"orderId":"a","cents":1\}\nedited by ada at \S+Z: \{"cents":2\}/);
    expect(await parked()).toEqual(['{"cents":2}']);
    expect(late.code).toBe(3);
  });

  it('shows by a dry run of the module what its handler would do, and changes nothing', async () => {
    await dead(letter('a'), letter('b', { body: Buffer.from('{"cents":0}') }));
    const module = ['--dry-run', '--module', 'dist-test/test/cli/dry-run-module.entry.js'];

    const good = await tool('replay', '1', ...module);
    const both = await tool('replay', '--all', ...module, '--json');

    expect(good).toEqual({
      code: 0,
      out: [
        '1 succeeds:',
        '  payment: 1 inserted, 0 updated, 0 deleted',
        '  publishes payment.captured to payments, key a: {"orderId":"a"}',
        '',
      ].join('\n'),
      err: '',
    });
    expect(both.code).toBe(5);
    expect(JSON.parse(both.out)).toMatchObject([
      { id: '1', failure: null, rows: [{ table: 'payment', inserted: 1 }], published: [{ key: 'a' }] },
      { id: '2', failure: { code: 'EO_PERMANENT' } },
    ]);
    expect(await world.payments()).toEqual([]);
    expect(await storage.deadLetters.count()).toBe(2);
    expect(await world.database.query('SELECT * FROM eo_outbox')).toEqual([]);
  });

  it('refuses a module that is none', async () => {
    await dead(letter('a'));

    const missing = await tool('replay', '1', '--dry-run', '--module', 'nowhere.js');
    const other = await tool('replay', '1', '--dry-run', '--module', 'dist/output.js');

    expect([missing.code, other.code]).toEqual([2, 2]);
    expect(other.err).toContain('it exports not one class but');
  });
});
