import { setTimeout as delay } from 'node:timers/promises';
import {
  type EventEnvelope,
  noTelemetry,
  PlainSending,
  Relay,
  type SendOutcome,
  type Storage,
  systemClock,
} from '@exactly-once/core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { anEvent, begun, handle, StorageWorld, sealAndCommit, until } from './storage-world.js';

describe('relays over PostgreSQL', () => {
  let world: StorageWorld;
  let source: DataSource;
  let storage: Storage;
  let sent: EventEnvelope[];
  let log: string[];
  let running: { readonly stop: AbortController; readonly ended: Promise<void> }[];

  beforeAll(async () => {
    world = await StorageWorld.open('relays');
    source = await world.dataSource();
    storage = await world.storage(source);
  });

  beforeEach(() => {
    [sent, log, running] = [[], [], []];
  });

  afterEach(async () => {
    for (const { stop } of running) stop.abort();
    await Promise.all(running.map(({ ended }) => ended));
    await world.clear();
    await world.database.query('UPDATE eo_meta SET shard_count = 1, wanted_shard_count = NULL');
  });

  afterAll(() => world.close());

  function start(owner: string, holdBackMs = 60_000) {
    const send = async (events: readonly EventEnvelope[]) => {
      await delay(2);
      sent.push(...events);
      return events.map((): SendOutcome => ({ status: 'sent' }));
    };
    const keep = (line: string) => void log.push(line);
    const relay = new Relay({
      storage,
      sending: new PlainSending(storage, { start: async () => {}, stop: async () => {}, send }, 0),
      clock: systemClock,
      logger: { error: keep, warn: keep, info: keep, debug: () => {} },
      telemetry: noTelemetry,
      random: Math.random,
      owner,
      ...{ batchSize: 20, maxBytes: 1_000_000, leaseMs: 5_000, maxPollMs: 50, holdBackMs },
    });
    const stop = new AbortController();
    const one = { stop, ended: relay.run(stop.signal) };
    running.push(one);
    return one;
  }

  /** Each event says in its id which of its key it is. */
  async function publish(keys: number, from: number, to: number): Promise<void> {
    for (let number = from; number < to; number++) {
      const transaction = await storage.begin(begun);
      for (let key = 0; key < keys; key++) {
        const event = anEvent({ id: `${key}/${number}`, key: `key ${key}` });
        transaction.outgoing.push({ event, deliverAtMs: null });
      }
      await sealAndCommit(transaction);
    }
  }

  const isEmpty = () =>
    until(async () => (await world.database.query('SELECT 1 FROM eo_outbox LIMIT 1')).length === 0, 30_000);

  /** For each key, the numbers in the order in which they were sent first. */
  function firsts(): number[][] {
    const numbers = new Map<string, number[]>();
    for (const id of new Set(sent.map((event) => event.id))) {
      const [key, number] = id.split('/') as [string, string];
      numbers.set(key, [...(numbers.get(key) ?? []), Number(number)]);
    }
    return [...numbers.values()];
  }

  it('keep the order of each key, and send each event once, while they come and go and the outbox is split anew', async () => {
    await storage.leases.want(8);
    const first = start('first');
    await publish(40, 0, 10);
    start('second');
    const publishing = publish(40, 10, 40);
    await until(async () => (await storage.leases.overview()).relays.length === 2, 30_000);
    start('third');
    await storage.leases.want(3);
    await until(async () => (await storage.leases.overview()).shardCount === 3, 30_000);
    first.stop.abort();
    await first.ended;
    await storage.leases.want(5);
    await publishing;
    await isEmpty();
    await until(async () => (await storage.leases.overview()).shardCount === 5, 30_000);

    expect(firsts()).toEqual(Array(40).fill(Array.from({ length: 40 }, (_, number) => number)));
    expect(sent).toHaveLength(40 * 40);
    expect((await storage.leases.overview()).relays.map(({ name }) => name)).toEqual(['second', 'third']);
  }, 120_000);

  it('do not let a fast transaction overtake a slow one that published before it', async () => {
    start('only');
    const slow = await storage.begin(begun);
    slow.outgoing.push({ event: anEvent({ id: 'slow', key: 'k' }), deliverAtMs: null });
    await slow.seal();
    const fast = async (id: string) => {
      const transaction = await storage.begin(begun);
      transaction.outgoing.push({ event: anEvent({ id, key: 'k' }), deliverAtMs: null });
      await sealAndCommit(transaction);
    };
    await fast('1');
    await fast('2');
    const gauges = sent.length;

    await slow.commit();
    await isEmpty();

    expect(gauges).toBe(0);
    expect(sent.map(({ id }) => id)).toEqual(['slow', '1', '2']);
  });

  it('do not let one overtake it that began before it, and published after it', async () => {
    start('only');
    const early = await storage.begin(begun);
    await handle(storage, early, async () => {
      await source.query("INSERT INTO payment VALUES ('early', 1)"); // the lower transaction id
    });
    const late = await storage.begin(begun);
    late.outgoing.push({ event: anEvent({ id: 'first', key: 'k' }), deliverAtMs: null });
    await late.seal();
    early.outgoing.push({ event: anEvent({ id: 'second', key: 'k' }), deliverAtMs: null });
    await sealAndCommit(early);
    await delay(300); // it must not have gone: there is nothing to wait for
    const before = sent.length;

    await late.commit();
    await isEmpty();

    expect(before).toBe(0);
    expect(sent.map(({ id }) => id)).toEqual(['first', 'second']);
  });

  it('wait for no transaction that has published nothing, however long it is open', async () => {
    start('only');
    const elsewhere = await world.session();
    await elsewhere.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await elsewhere.query("INSERT INTO payment VALUES ('elsewhere', 1)");

    await publish(3, 0, 3);
    await isEmpty();
    await elsewhere.query('ROLLBACK');

    expect(sent).toHaveLength(9);
  });

  it('wait for one that has published and does not end as long as they are told, and say which', async () => {
    start('only', 300);
    const stuck = await storage.begin(begun);
    stuck.outgoing.push({ event: anEvent({ id: 'stuck' }), deliverAtMs: null });
    await stuck.seal();

    await publish(1, 0, 1);
    await isEmpty().finally(() => stuck.rollback());

    expect(sent.map(({ id }) => id)).toEqual(['0/0']);
    expect(log.join('\n')).toMatch(/transaction \d+ has published and stays open/);
  });
});
