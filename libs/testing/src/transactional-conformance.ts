/**
 * What every broker's transactional publisher must do, as tests for jest or vitest. Each says one guarantee of the port
 * in core.
 *
 * Knows no adapter: what it is given has topics of its own, and is closed again.
 */
import assert from 'node:assert/strict';
import {
  type EventEnvelope,
  hasCode,
  type OutboxShard,
  type ShardPublisher,
  type TransactionalPublisher,
} from '@exactly-once/core';
import type { BrokerTestFramework } from './broker-conformance/describe-broker.js';
import type { It } from './concurrency-conformance.js';
import { event } from './conformance-records.js';

export interface TransactionalPublisherUnderTest {
  /** As another process would have one. */
  publisher(): TransactionalPublisher;
  createTopic(): Promise<string>;
  /** A name that no topic and no outbox had before. */
  unusedName(): string;
  /** Ids on a topic in order, as a reader of committed events sees them, of all that was committed before. */
  read(topic: string): Promise<string[]>;
  /** Ends everything that was made here. */
  close(): Promise<void>;
}

export interface TransactionalPublisherFeatures {
  /** A topic that nobody has made is made when it is first sent to. Default true. */
  readonly makesTopics?: boolean;
  /** Bodies above that many bytes are refused. Default: none are. */
  readonly largestBody?: number;
  /** Milliseconds until a shard that cannot be opened is given up. Default 45,000. */
  readonly patienceMs?: number;
}

interface Ground {
  readonly under: TransactionalPublisherUnderTest;
  readonly shard: OutboxShard;
  readonly topic: string;
  /** By a process of its own. */
  open(shard?: OutboxShard): Promise<ShardPublisher>;
}

type On = (work: (ground: Ground) => Promise<void>) => () => Promise<void>;

export function describeTransactionalPublisher(
  name: string,
  { describe, it, beforeEach, afterEach }: BrokerTestFramework,
  open: () => Promise<TransactionalPublisherUnderTest>,
  features: TransactionalPublisherFeatures = {},
): void {
  describe(`transactional publisher ${name}`, () => {
    let under: TransactionalPublisherUnderTest;

    beforeEach(async () => {
      under = await open();
    });
    afterEach(() => under.close());

    const on: On = (work) => () => withGround(under, features.patienceMs ?? 45_000, work);
    describeCommits(it, on);
    describeOwners(it, on);
    describeRefusals(it, on, features);
  });
}

function describeCommits(it: It, on: On): void {
  it(
    'commits a batch and its token together, and tells the next owner of them',
    on(async ({ under, topic, open }) => {
      const first = await open();
      const before = first.committed;
      const large = 4_611_686_018_427_387_903n;
      const confirmed: number[][] = [];
      const confirm = async (indexes: readonly number[]) => void confirmed.push([...indexes]);
      const outcomes = await first.publish(named(topic, 'a', 'b'), { token: 7n, confirm });
      await first.publish(named(topic, 'c'), { token: large, confirm });

      const next = await open();

      assert.equal(before, null);
      assert.deepEqual(statuses(outcomes), ['sent', 'sent']);
      assert.deepEqual(confirmed, [[0, 1], [0]]);
      assert.equal(next.committed, large);
      assert.deepEqual(await under.read(topic), ['a', 'b', 'c']);
    }),
  );

  it(
    'commits nothing that is not confirmed, and passes the reason on',
    on(async ({ under, topic, open }) => {
      const first = await open();
      await first.publish(named(topic, 'a'), { token: 7n, confirm: agreed });
      const refused = first.publish(named(topic, 'b'), {
        token: 8n,
        confirm: () => Promise.reject(new Error('the lease was lost')),
      });
      await assert.rejects(refused, /the lease was lost/);
      await first.close();

      const next = await open();
      const token = next.committed;
      await next.publish(named(topic, 'c'), { token: 9n, confirm: agreed });

      assert.equal(token, 7n);
      assert.deepEqual(await under.read(topic), ['a', 'c']);
    }),
  );
}

function describeOwners(it: It, on: On): void {
  it(
    'shuts out whoever had the shard, also where that was confirmed already',
    on(async ({ under, topic, open }) => {
      const former = await open();
      await former.publish(named(topic, 'a'), { token: 7n, confirm: agreed });
      const successors: ShardPublisher[] = [];
      const late = former.publish(named(topic, 'zombie'), {
        token: 8n,
        confirm: async () => void successors.push(await open()),
      });
      await assert.rejects(late, fenced);

      const [successor] = successors;
      await successor!.publish(named(topic, 'b'), { token: 9n, confirm: agreed });
      await assert.rejects(former.publish(named(topic, 'zombie'), { token: 8n, confirm: agreed }), fenced);

      assert.equal((await open()).committed, 9n);
      assert.deepEqual(await under.read(topic), ['a', 'b']);
    }),
  );

  it(
    'holds several shards and outboxes at once, each with a token of its own',
    on(async ({ under, shard, topic, open }) => {
      const shards = [shard, { ...shard, shard: 1 }, { ...shard, outbox: under.unusedName() }];
      const publishers: ShardPublisher[] = [];
      for (const one of shards) publishers.push(await open(one));

      await Promise.all(
        publishers.map((one, index) =>
          one.publish(named(topic, `from ${index}`), { token: BigInt(index), confirm: agreed }),
        ),
      );

      const tokens: (bigint | null)[] = [];
      for (const one of shards) tokens.push((await open(one)).committed);
      assert.deepEqual(tokens, [0n, 1n, 2n]);
      assert.deepEqual((await under.read(topic)).sort(), ['from 0', 'from 1', 'from 2']);
    }),
  );
}

function describeRefusals(
  it: It,
  on: On,
  { largestBody = Number.POSITIVE_INFINITY, makesTopics = true }: TransactionalPublisherFeatures,
): void {
  const large = Buffer.alloc(Math.min(largestBody, 1_000_000) + 500_000);
  const refuses = large.length > largestBody;

  it(
    'commits in order what can be sent, and has that alone confirmed in the end',
    on(async ({ under, topic, open }) => {
      const unmade = under.unusedName();
      const events = [
        ...named(topic, 'a'),
        ...named(unmade, 'waits'),
        { ...named(topic, 'large')[0]!, body: large, key: 'stands still' },
        ...named(topic, 'b'),
        { ...named(topic, 'behind')[0]!, key: 'stands still' },
        ...named(topic, 'c'),
      ];
      let last: readonly number[] = [];
      const publisher = await open();

      const outcomes = await publisher.publish(events, {
        token: 7n,
        confirm: async (indexes) => {
          last = indexes;
        },
      });

      const [unmadeIs, largeIs, behindIs] = [
        makesTopics ? 'sent' : 'later',
        refuses ? 'refused' : 'sent',
        refuses ? 'behind' : 'sent',
      ];
      const expected = ['sent', unmadeIs, largeIs, 'sent', behindIs, 'sent'];
      assert.deepEqual(statuses(outcomes), expected);
      const sent = expected.flatMap((status, index) => (status === 'sent' ? [index] : []));
      assert.deepEqual(last, sent);
      assert.deepEqual(
        await under.read(topic),
        refuses ? ['a', 'b', 'c'] : ['a', 'large', 'b', 'behind', 'c'],
      );
    }),
  );

  it(
    'commits nothing where none can be sent',
    on(async ({ under, topic, open }) => {
      if (!refuses) return;
      const publisher = await open();
      await publisher.publish(named(topic, 'a'), { token: 7n, confirm: agreed });
      const events = named(topic, 'x', 'y').map((one) => ({ ...one, key: one.id, body: large }));

      const outcomes = await publisher.publish(events, { token: 8n, confirm: agreed });

      assert.deepEqual(statuses(outcomes), ['refused', 'refused']);
      assert.equal((await open()).committed, 7n);
      assert.deepEqual(await under.read(topic), ['a']);
    }),
  );
}

async function withGround(
  under: TransactionalPublisherUnderTest,
  patienceMs: number,
  work: (ground: Ground) => Promise<void>,
): Promise<void> {
  const shard = { outbox: under.unusedName(), shard: 0 };
  const topic = await under.createTopic();
  const ends: (() => Promise<void>)[] = [];
  const open = async (which = shard) => {
    const publisher = under.publisher();
    ends.push(() => publisher.stop());
    const opened = await openAtLast(publisher, which, patienceMs);
    ends.push(() => opened.close());
    return opened;
  };
  try {
    await work({ under, shard, topic, open });
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

/** Again while the broker is still looking for whoever keeps the shard's state, as a relay would. */
async function openAtLast(
  publisher: TransactionalPublisher,
  shard: OutboxShard,
  patienceMs: number,
): Promise<ShardPublisher> {
  const giveUpAtMs = Date.now() + patienceMs;
  for (;;) {
    try {
      return await publisher.open(shard, []);
    } catch (error) {
      if (!hasCode(error, 'EO_BROKER_UNAVAILABLE') || Date.now() > giveUpAtMs) throw error;
    }
  }
}

const agreed = async () => {};
const fenced = (error: unknown) => hasCode(error, 'EO_FENCED');

function named(topic: string, ...ids: readonly string[]): EventEnvelope[] {
  return ids.map((id) => ({ ...event(id), topic }));
}

function statuses(outcomes: readonly { readonly status: string }[]): string[] {
  return outcomes.map(({ status }) => status);
}
