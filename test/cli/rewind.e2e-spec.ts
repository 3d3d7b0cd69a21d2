import {
  DatabaseBroker,
  type Engine,
  type EngineOptions,
  type GroupPositions,
  type HandlerDefinition,
  keyHash,
  noTelemetry,
  rewind,
  type Storage,
  silentLogger,
  systemClock,
} from '@exactly-once/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { World } from '../engine/world.js';
import { until } from '../services/ports.js';
import { runTool } from './run-tool.js';

const events = ['e1', 'e2', 'e3'];

describe.each(['kafka', 'database'] as const)('exactly-once rewind, with the %s as broker', (kind) => {
  let world: World;
  let engine: Engine;
  let publishes: boolean;

  beforeAll(async () => {
    world = await World.open(`rewind-${kind}`, 1);
  });

  afterAll(() => world?.close());

  beforeEach(async () => {
    publishes = false;
    await world.database.query(
      `DO $$ BEGIN IF to_regclass('eo_handler') IS NOT NULL THEN
         TRUNCATE eo_handler, eo_inbox, eo_fence, eo_outbox, eo_log, eo_partition, eo_dead_letter RESTART IDENTITY;
       END IF; END $$`,
    );
    await world.database.query('TRUNCATE ledger');
    const names = { topic: await world.kafka.createTopic('rewound'), group: world.kafka.group('rewound') };
    Object.assign(world, names);
  });

  const handler = (name: string, options: Partial<HandlerDefinition> = {}): HandlerDefinition => ({
    ...{ name, type: 'order.placed', ...options },
    invoke: async (_, { id }) => {
      await world.sources[0]!.query('INSERT INTO ledger (handler, event_id) VALUES ($1, $2)', [name, id]);
      if (publishes && name === 'a')
        await engine.outbox.publish(world.captured, { orderId: id, cents: 1 }, { key: 'k' });
    },
  });

  async function start(...handlers: HandlerDefinition[]): Promise<void> {
    const source = world.sources[0] ?? (await world.dataSource());
    const own: Partial<EngineOptions> = kind === 'kafka' ? {} : { broker: new DatabaseBroker() };
    engine = await world.engine({ storage: await world.storage(source), handlers, ...own });
    await engine.start();
  }

  async function put(ids: readonly string[]): Promise<void> {
    if (kind === 'kafka') return world.produce(...ids);
    const { log } = await opened();
    await log.createTopics([world.topic], 1);
    await log.append(
      ids.map((id) => {
        const headers = { ce_specversion: '1.0', ce_id: id, ce_source: 'test', ce_type: 'order.placed' };
        const body = Buffer.from(JSON.stringify({ id }));
        return { topic: world.topic, key: Buffer.from('k'), hash: keyHash('k', id), headers, body };
      }),
    );
  }

  async function opened(): Promise<Storage> {
    const storage = await world.storage(world.sources[0] ?? (await world.dataSource()));
    await storage.open();
    return storage;
  }

  async function ran(): Promise<string[]> {
    const rows = await world.database.query('SELECT handler, event_id FROM ledger ORDER BY id');
    return rows.map((row) => `${row.handler} ${row.event_id}`).sort();
  }

  /** Where the group stands, by the database. */
  async function stands(): Promise<bigint | undefined> {
    const { fences } = await opened();
    return (await fences.read({ group: world.group, topic: world.topic, partition: 0 }))?.nextOffset;
  }

  const standsAt = (offset: bigint) =>
    until(`it stands at ${offset}`, async () => (await stands()) === offset);
  const published = async (): Promise<string[]> => {
    if (kind === 'kafka') {
      const records = await world.kafka.dump(world.output, { isolation: 'read_committed' });
      return records.map(({ headers }) => headers['ce_id']!);
    }
    const { log } = await opened();
    const found: string[] = [];
    for (const { topic, partition } of await log.ends([world.output])) {
      const from = { topic, partition, offset: 0n };
      for (const { headers } of await log.read(from, { maxEvents: 100, maxBytes: 1_000_000 }))
        found.push(Buffer.from(headers['ce_id']!).toString());
    }
    return found;
  };
  const relayed = () =>
    until('the outbox is empty', async () => {
      return (await world.database.query('SELECT 1 FROM eo_outbox')).length === 0;
    });

  /** As an operator does; where the broker is the database, nothing is said of Kafka. */
  const tool = (...words: string[]) => {
    const where = kind === 'kafka' ? ['--brokers', world.kafka.brokers.join(',')] : [];
    return runTool(['rewind', '--group', world.group, ...where, ...words], {
      DATABASE_URL: world.database.url,
    });
  };

  it('runs only what was missed, once it is told to', async () => {
    await put(events);
    await start(handler('a'));
    await standsAt(3n);
    await engine.stop();
    const both = [handler('a'), handler('b', { new: true })];
    await start(...both);
    await put(['e4']);
    await standsAt(4n);
    await engine.stop();
    const before = await ran();

    const shown = await tool('--to', 'earliest');
    const stillAt = await stands();
    const done = await tool('--to', 'earliest', '--yes', '--json');
    const setBack = await stands();
    await start(...both);
    await standsAt(4n);
    await engine.stop();

    expect(before).toEqual(['a e1', 'a e2', 'a e3', 'a e4', 'b e4']);
    expect({ code: shown.code, err: shown.err }).toEqual({ code: 0, err: '' });
    expect(shown.out).toMatch(/PARTITION +STANDS AT +GOES TO +COME AGAIN\n0 +4 +0 +4\n/);
    expect(shown.out).toContain('Nothing was changed. Say --yes to do it.');
    expect(stillAt).toBe(4n);
    expect(done.code).toBe(0);
    expect(JSON.parse(done.out)).toMatchObject({
      ...{ changed: true, generation: null, handler: null, topic: world.topic },
      partitions: [{ partition: 0, from: '4', to: '0', records: '4', clamped: false }],
    });
    expect(setBack).toBe(0n);
    expect(await ran()).toEqual([...before, 'b e1', 'b e2', 'b e3'].sort());
  });

  it('runs everything again for a new generation, under new ids, beside a handler that is not touched', async () => {
    publishes = true;
    await put(events);
    const both = [handler('a', { dedup: 'offset' }), handler('b')];
    await start(...both);
    await standsAt(3n);
    await relayed();
    await engine.stop();
    const first = await published();

    const refused = await tool('--to', 'earliest', '--yes');
    const done = await tool('--to', '1', '--handler', 'a', '--new-generation', '--yes');
    await start(...both);
    await standsAt(3n);
    await relayed();
    await engine.stop();
    const second = await published();

    expect(refused.code).toBe(3);
    expect(refused.err).toContain("a says dedup: 'offset' and would run everything again");
    expect(done.out).toContain('Done, as generation 2. Start the service.');
    expect(await ran()).toEqual(['a e1', 'a e2', 'a e2', 'a e3', 'a e3', 'b e1', 'b e2', 'b e3']);
    expect(second.slice(first.length)).toHaveLength(2);
    expect(new Set(second).size).toBe(second.length);
  });

  it('begins no new generation where nothing would come again, and says so', async () => {
    await put(events);
    await start(handler('a'));
    await standsAt(3n);
    await engine.stop();
    const words = ['--to', '3', '--handler', 'a', '--new-generation'];

    const shown = await tool(...words);
    const done = await tool(...words, '--yes');
    const generations = await world.database.query('SELECT DISTINCT generation FROM eo_handler');

    expect([shown.code, done.code]).toEqual([0, 5]);
    expect(shown.out).toContain('no new generation would be begun, a stays in generation 1');
    expect(done.out).toContain('no new generation was begun, a stays in generation 1. Nothing was changed.');
    expect(generations).toEqual([{ generation: 1 }]);
  });

  it('judges by the window that the service recorded', async () => {
    await put(events);
    await start(handler('a'));
    await standsAt(3n);
    await engine.stop();
    await world.database.query('UPDATE eo_handler SET window_days = 0.000001');

    const refused = await tool('--to', 'earliest', '--yes');
    const longer = await tool('--to', 'earliest', '--window-days', '9', '--yes');

    expect([refused.code, longer.code, await stands()]).toEqual([3, 2, 3n]);
    expect(refused.err).toMatch(/the inbox may have forgotten what is older than \S+ days/);
  });

  it('is refused while the service runs, and names who does', async () => {
    await put(events);
    await start(handler('b'));
    await standsAt(3n);

    const refused = await tool('--to', 'earliest', '--yes');
    await engine.stop();

    expect(refused.code).toBe(3);
    expect(refused.err).toMatch(/group rewound-\S+ runs: .*test.*\. Stop its service/);
    expect(await stands()).toBe(3n);
  });

  it('may be called again where it died between the broker and the database, also if the service ran in between', async () => {
    await put(events);
    const both = [handler('a'), handler('b')];
    await start(...both);
    await standsAt(3n);
    await engine.stop();
    const storage = await opened();
    const request = { group: world.group, to: 'earliest', windowMs: 86_400_000, by: 'me' } as const;
    const again = { ...request, handler: 'a', newGeneration: true };
    const dying = { rewind: () => Promise.reject(new Error('died on purpose')), parkedEvents: async () => 0 };

    const through = positions(storage);
    const { handlers, fences } = storage;
    const parts = { positions: through, clock: systemClock, storage: { handlers, fences, rewinds: dying } };
    await expect(rewind(parts, again)).rejects.toThrow('died on purpose');
    await through.close();
    await start(...both);
    await put(['e4']);
    await standsAt(4n);
    await engine.stop();
    const between = await ran();
    const done = await tool('--to', 'earliest', '--handler', 'a', '--new-generation', '--yes');
    await start(...both);
    await standsAt(4n);
    await engine.stop();

    const once = ['a e1', 'a e2', 'a e3', 'a e4', 'b e1', 'b e2', 'b e3', 'b e4'];
    expect(between).toEqual(once);
    expect(done.code).toBe(0);
    expect(await ran()).toEqual([...once, 'a e1', 'a e2', 'a e3', 'a e4'].sort());
  });

  if (kind === 'kafka')
    it('mends a group that the broker was set ahead of, in the words of the error', async () => {
      const own = handler('a', { dedup: 'offset' });
      await put(['e1']);
      await start(own);
      await standsAt(1n);
      await engine.stop();
      await put(['e2', 'e3']);
      const ahead = { topic: world.topic, partitions: [{ partition: 0, offset: '3' }] };
      await world.kafka.admin((admin) => admin.setOffsets({ groupId: world.group, ...ahead }));
      await start(own);
      const health = () => engine.health().parts['consumer']?.reason ?? '';
      await until('health says why', async () => health().includes('EO_OFFSET_AHEAD'));
      const [, words] = /"npx exactly-once rewind --group \S+ (.*) --brokers … --yes"/.exec(health())!;
      await engine.stop();

      const done = await tool(...words!.split(' '), '--yes');
      await start(own);
      await standsAt(3n);
      await engine.stop();

      expect(done.code).toBe(0);
      expect(await ran()).toEqual(['a e1', 'a e2', 'a e3']);
    });

  it('says what is wrong with its words', async () => {
    await start(handler('b'));
    await engine.stop();

    const words = ['rewind', '--group', 'nobody', '--to', 'earliest'];
    const unknown = await runTool(words, { DATABASE_URL: world.database.url });

    expect(unknown).toMatchObject({ code: 3, out: '' });
    expect(unknown.err).toContain('no handler of group nobody is known in this database');
    expect((await tool('--to', 'soon')).code).toBe(2);
    expect((await tool('--to', 'earliest', '--new-generation')).code).toBe(2);
    expect((await tool()).err).toContain("'--to <time|offset|earliest>' not specified");
  });

  function positions(storage: Storage): GroupPositions {
    const broker = kind === 'kafka' ? world.broker() : new DatabaseBroker();
    const context = { storage, clock: systemClock, logger: silentLogger, telemetry: noTelemetry };
    broker.bind({ ...context, service: 's', random: Math.random });
    return broker.positions!();
  }
});
