/**
 * Takes single duties out of a Kafka client, from outside: the proof that its suite notices when one is missing.
 */
import { randomUUID } from 'node:crypto';
import type { KafkaClientShape } from '@exactly-once/testing';
import { around, withParts } from '../faults/worker/around.js';

type Listener = Parameters<KafkaClientShape['member']>[1];
type Member = ReturnType<KafkaClientShape['member']>;
type Producer = ReturnType<KafkaClientShape['producer']>;
type Transactional = ReturnType<KafkaClientShape['transactionalProducer']>;
type Transaction = Awaited<ReturnType<Transactional['begin']>>;
type Admin = ReturnType<KafkaClientShape['admin']>;

export interface Sabotage {
  /** The tests that must notice, by the beginning of their titles. */
  readonly reds: readonly string[];
  readonly client: (client: KafkaClientShape) => KafkaClientShape;
}

const inMember =
  (change: (member: Member) => Partial<Member>) =>
  (client: KafkaClientShape): KafkaClientShape =>
    around(client, {
      member:
        (make) =>
        (...given) => {
          const member = make(...given);
          return withParts(member, change(bound(member)));
        },
    });
const inListener =
  (change: (listener: Listener) => Partial<Listener>) =>
  (client: KafkaClientShape): KafkaClientShape =>
    around(client, {
      member: (make) => (group, listener) => make(group, { ...listener, ...change(listener) }),
    });
const inProducer =
  (change: (producer: Producer) => Partial<Producer>) =>
  (client: KafkaClientShape): KafkaClientShape =>
    around(client, {
      producer: (make) => () => {
        const producer = make();
        return withParts(producer, change(bound(producer)));
      },
    });
const inTransaction =
  (change: (transaction: Transaction) => Partial<Transaction>) =>
  (client: KafkaClientShape): KafkaClientShape =>
    around(client, {
      transactionalProducer: (make) => (id) => {
        const producer = make(id);
        const begin = async () => {
          const transaction = await producer.begin();
          return withParts(transaction, change(bound(transaction)));
        };
        return withParts(producer, { begin });
      },
    });
const inAdmin =
  (change: (admin: Admin) => Partial<Admin>) =>
  (client: KafkaClientShape): KafkaClientShape =>
    around(client, {
      admin: (make) => () => {
        const admin = make();
        return withParts(admin, change(bound(admin)));
      },
    });

/** Its methods may be taken off. */
const bound = <T extends object>(target: T): T => withParts(target, {});

const reading = 'hands over from where it was told to';

export const sabotages: Readonly<Record<string, Sabotage>> = {
  'a seek is not obeyed': { reds: [reading], client: inMember(() => ({ seek: () => undefined })) },
  'keys are taken for text': {
    reds: [reading],
    client: inListener(({ fetched }) => ({
      fetched: ({ deliveries, ...rest }) => {
        const text = (key: Uint8Array | null) => key && Buffer.from(Buffer.from(key).toString());
        return fetched({ ...rest, deliveries: deliveries.map((one) => ({ ...one, key: text(one.key) })) });
      },
    })),
  },
  'what was not taken is passed by': {
    reds: ['hands over again'],
    client: inListener(({ fetched }) => ({ fetched: (records) => fetched(records) || true })),
  },
  'a pause is not obeyed': {
    reds: ['hands over nothing of a paused'],
    client: inMember(() => ({ pause: () => undefined })),
  },
  'heartbeats are not told': {
    reds: ['shares the partitions', 'hands over nothing of a paused'],
    client: inListener(() => ({ heartbeat: () => undefined })),
  },
  'a member leaves late': {
    reds: ['gives its partitions'],
    client: inMember(({ leave }) => ({
      leave: async () => {
        await new Promise((resolve) => setTimeout(resolve, 5_500));
        await leave();
      },
    })),
  },
  'nothing is said of a fetch that failed': {
    reds: ['says, by a join or as an interruption'],
    client: inListener(({ joined }) => {
      let joins = 0;
      return {
        interrupted: () => undefined,
        joined: (...given) => (joins++ === 0 ? joined(...given) : undefined),
      };
    }),
  },
  'offsets are not committed': {
    reds: ['commits for its group'],
    client: inMember(() => ({ commit: async () => undefined })),
  },
  'a batch is written backwards': {
    reds: ['writes in the order given'],
    client: inProducer(({ send }) => ({
      send: (batch) =>
        send(batch.map(({ topic, messages }) => ({ topic, messages: [...messages].reverse() }))),
    })),
  },
  'a log seems longer than it is': {
    reds: ['writes in the order given'],
    client: inAdmin(({ logBounds }) => ({
      logBounds: async (topic) => {
        const bounds = await logBounds(topic);
        return new Map(
          [...bounds].map(([partition, { low, high }]) => [partition, { low, high: high + 1n }]),
        );
      },
    })),
  },
  'positions are numbers': {
    reds: ['commits records and position'],
    client: inAdmin(({ committed }) => ({
      committed: async (group, topic) => {
        const positions = await committed(group, topic);
        return new Map([...positions].map(([partition, next]) => [partition, BigInt(Number(next))]));
      },
    })),
  },
  'offsets are said to be set': {
    reds: ['sets the offsets of a group'],
    client: inAdmin(() => ({ setOffsets: async () => undefined })),
  },
  'retention is not told': {
    reds: ['says how long topics'],
    client: inAdmin(() => ({ retentionMs: async () => new Map() })),
  },
  'members are not seen': {
    reds: ['names the members of a group'],
    client: inAdmin(() => ({ members: async () => [] })),
  },
  'a time is not looked for': {
    reds: ['finds the first record'],
    client: inAdmin(({ logBounds }) => ({
      offsetsAt: async (topic) =>
        new Map([...(await logBounds(topic))].map(([partition, { high }]) => [partition, high])),
    })),
  },
  'a topic is made with one partition': {
    reds: ['makes a topic that can be written'],
    client: inAdmin(({ createTopic }) => ({ createTopic: (topic) => createTopic(topic, 1) })),
  },
  'errors lose the protocol’s name': {
    reds: ['says by the protocol’s name'],
    client: inProducer(({ send }) => ({
      send: (batch) =>
        send(batch).catch(() => {
          throw new Error('it failed');
        }),
    })),
  },
  'an abort commits': {
    reds: ['commits records and position'],
    client: inTransaction(({ commit }) => ({ abort: commit })),
  },
  'a position is not part of its transaction': {
    reds: ['commits records and position'],
    client: inTransaction(() => ({ commitOffset: async () => undefined })),
  },
  'each producer has a transactional id of its own': {
    reds: ['fences whoever'],
    client: (client) =>
      around(client, { transactionalProducer: (make) => (id) => make(`${id}-${randomUUID()}`) }),
  },
};
