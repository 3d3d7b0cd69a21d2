import {
  DatabaseBroker,
  type GroupPositions,
  type HandlerDefinition,
  noTelemetry,
  type RewindRequest,
  rewind,
  silentLogger,
} from '@exactly-once/core';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { caused, MemoryWorld } from './memory-world.js';

const dayMs = 86_400_000;

describe('rewind, on the database broker', () => {
  let world: MemoryWorld;
  let broker: DatabaseBroker;

  beforeEach(() => {
    world = new MemoryWorld();
    broker = new DatabaseBroker({ partitions: 1 });
  });

  const types = [{ type: 'happened', topic: 'in', version: 1 }, caused];
  const start = async (...handlers: HandlerDefinition[]) => {
    await world.start(handlers, { broker, types });
    await world.pass(2_000);
  };
  const feed = (...ids: string[]) => world.feedLog(...ids);
  const positions = (): GroupPositions => {
    const made = new DatabaseBroker();
    const { storage, clock } = world;
    const context = { storage, clock, logger: silentLogger, telemetry: noTelemetry };
    made.bind({ ...context, service: 's', random: Math.random });
    return made.positions();
  };
  const back = (request: Partial<RewindRequest>, through = positions()) =>
    rewind(
      { storage: world.storage, positions: through, clock: world.clock },
      { group: 'test', to: 'earliest', windowMs: 7 * dayMs, by: 'me', ...request },
    );
  const publishing = (name: string, options: Partial<HandlerDefinition> = {}) =>
    world.handler(name, () => world.engine.outbox.publish(caused, { by: name }), options);
  const published = async () => {
    const records = await world.storage.log.read(
      { topic: 'out', partition: 0, offset: 0n },
      { maxEvents: 100, maxBytes: 1_000_000 },
    );
    return records.map(({ headers }) => Buffer.from(headers['ce_id']!).toString());
  };
  const calls = () => world.calls.splice(0);

  it('hands only what was missed to the handlers of the topic', async () => {
    await feed('1', '2');
    await start(world.handler('a'));
    await world.stop();
    const both = [world.handler('a'), world.handler('b', undefined, { new: true })];
    await start(...both);
    await feed('3');
    await world.pass(2_000);
    await world.stop();
    const before = calls();

    const { changed, plan, generation } = await back({});
    await start(...both);

    expect(before).toEqual(['a 1', 'a 2', 'a 3', 'b 3']);
    expect(changed).toBe(true);
    expect(generation).toBeNull();
    expect(plan.partitions).toEqual([{ partition: 0, from: 3n, to: 0n, clamped: false, committed: 3n }]);
    expect(calls()).toEqual(['b 1', 'b 2']);
    expect((await world.storage.fences.read({ group: 'test', topic: 'in', partition: 0 }))?.nextOffset).toBe(
      3n,
    );
  });

  it('runs everything again for a new generation and publishes under new ids, beside a handler that is not touched', async () => {
    await feed('1', '2');
    const both = [publishing('a'), world.handler('b')];
    await start(...both);
    await world.stop();
    const [first, ran] = [await published(), calls()];

    const { generation } = await back({ handler: 'a', newGeneration: true });
    await start(...both);
    const second = await published();

    expect(ran).toEqual(['a 1', 'b 1', 'a 2', 'b 2']);
    expect(generation).toBe(2);
    expect(calls()).toEqual(['a 1', 'a 2']);
    expect(first).toHaveLength(2);
    expect(second.slice(0, 2)).toEqual(first);
    expect(new Set(second).size).toBe(4);
  });

  it('goes back to a time, and stays where a partition has not come to it', async () => {
    await feed('1');
    await world.pass(5_000);
    const betweenMs = world.clock.now();
    await world.pass(5_000);
    await feed('2', '3');
    await start(world.handler('a'));
    await world.stop();

    const later = await back({ to: { timeMs: world.clock.now() + 1 } });
    const { plan } = await back({ to: { timeMs: betweenMs } });

    expect(later.changed).toBe(false);
    expect(plan.partitions[0]).toMatchObject({ from: 3n, to: 1n });
  });

  it('is refused while the group runs, and says who does', async () => {
    await feed('1');
    await start(world.handler('a'));

    const refused = back({});

    await expect(refused).rejects.toMatchObject({ code: 'EO_REWIND_REFUSED' });
    await expect(refused).rejects.toThrow(/group test runs: test-[0-9a-f-]+\. Stop its service/);
    await world.stop();
    expect((await back({})).changed).toBe(true);
  });

  it("is refused where a handler says dedup: 'offset', unless that one runs everything again", async () => {
    await feed('1', '2');
    const both = [world.handler('a', undefined, { dedup: 'offset' }), world.handler('b')];
    await start(...both);
    await world.stop();
    calls();

    await expect(back({})).rejects.toThrow(/a says dedup: 'offset' and would run everything again/);
    await expect(back({ handler: 'b', newGeneration: true })).rejects.toThrow(/a says dedup: 'offset'/);
    await back({ handler: 'a', newGeneration: true });
    await start(...both);

    expect(calls()).toEqual(['a 1', 'a 2']);
  });

  it('passes no record by, and says where it would', async () => {
    await feed('1', '2');
    await start(world.handler('a'));
    await world.stop();
    await feed('3');

    await expect(back({ to: { offset: 3n } })).rejects.toThrow(
      'in/0 stands at 2, before 3: the records in between would be passed by',
    );
  });

  it('begins at the first record that is kept, and says that it does', async () => {
    await feed('1', '2');
    await start(world.handler('a'));
    await world.stop();
    await world.pass(1_000);
    await world.storage.log.deleteOlderThan(1, 1);

    const { plan } = await back({ to: { offset: 0n } });

    expect(plan.partitions[0]).toMatchObject({ from: 2n, to: 1n, clamped: true });
  });

  it('goes behind the window only when told to, or for the only handler, as a new generation', async () => {
    await feed('old');
    await world.pass(8 * dayMs);
    await feed('young');
    await start(world.handler('a'));
    await world.stop();

    await expect(back({})).rejects.toThrow(/older than 7 days.* 0 from 1 on/);
    expect((await back({ to: { offset: 1n } })).changed).toBe(true);
    expect((await back({ pastWindow: true })).changed).toBe(true);
    await start(world.handler('a'));
    await world.stop();
    expect((await back({ handler: 'a', newGeneration: true })).generation).toBe(2);
  });

  it('is refused for what this database does not know', async () => {
    await feed('1');
    await start(world.handler('a'));
    await world.stop();

    await expect(back({ group: 'other' })).rejects.toThrow('no handler of group other is known');
    await expect(back({ topic: 'out' })).rejects.toThrow('no handler of group test reads out');
    await expect(back({ handler: 'b', newGeneration: true })).rejects.toThrow('group test has no handler b');
    await expect(back({ newGeneration: true })).rejects.toMatchObject({ code: 'EO_OPTION_MISSING' });
    await expect(back({ partitions: [4] })).rejects.toMatchObject({ code: 'EO_OPTION_INVALID' });
  });

  it('loses nothing and runs nothing twice where it dies between the broker and the database', async () => {
    await feed('1', '2');
    const both = [world.handler('a'), world.handler('b')];
    await start(...both);
    await world.stop();
    calls();
    const { rewinds } = world.storage;
    const carriesOut = rewinds.rewind.bind(rewinds);
    rewinds.rewind = () => Promise.reject(new Error('died on purpose'));
    await expect(back({ handler: 'a', newGeneration: true })).rejects.toThrow('died on purpose');
    rewinds.rewind = carriesOut;
    await start(...both);
    await world.stop();
    const between = calls();

    await back({ handler: 'a', newGeneration: true });
    await start(...both);

    expect(between).toEqual([]);
    expect(calls()).toEqual(['a 1', 'a 2']);
  });

  it('judges by the window that the services have recorded, and by a shorter one that it is told', async () => {
    await feed('old');
    await world.pass(3 * dayMs);
    await feed('young');
    const retention = { windowDays: 2 };
    world.storage.log.deleteOlderThan = async () => 0;
    await world.start([world.handler('a')], { broker, types, retention });
    await world.pass(2_000);
    await world.stop();
    const without = (more: Partial<RewindRequest> = {}) =>
      rewind(
        { storage: world.storage, positions: positions(), clock: world.clock },
        { group: 'test', to: 'earliest', by: 'me', ...more },
      );

    await expect(without()).rejects.toThrow(/older than 2 days.* 0 from 1 on/);
    await expect(without({ windowMs: 1 })).rejects.toThrow(/older than .* 0 from 2 on/);
    await expect(without({ windowMs: 7 * dayMs })).rejects.toMatchObject({ code: 'EO_OPTION_INVALID' });
    await expect(without({ windowMs: 7 * dayMs })).rejects.toThrow(
      'of 7 days is longer than inbox records are kept here: 2 days',
    );
    await start(world.handler('a'));
    await world.stop();
    await expect(without()).rejects.toThrow(/older than 2 days/);
  });

  it('says who has come while it was at work', async () => {
    await feed('1');
    await start(world.handler('a'));
    await world.stop();
    const through = positions();
    const answers = [[], ['a late one']];
    through.members = async () => answers.shift()!;

    expect((await back({}, through)).joined).toEqual(['a late one']);
  });
});
