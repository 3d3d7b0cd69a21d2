import { type EventEnvelope, type SendOutcome, systemClock } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Kafka, logLevel } from 'kafkajs';
import { KafkaPublisher } from '../../libs/kafka/src/kafka-publisher.js';
import { KafkajsClient } from '../../libs/kafka/src/kafkajs/kafkajs-client.js';
import { KafkaTransactionalPublisher } from '../../libs/kafka/src/relay-transactions/kafka-transactional-publisher.js';
import { KafkaCluster } from '../services/kafka.js';
import { KafkaBroker } from '../services/kafka-broker.js';
import { until } from '../services/ports.js';
import { idsOn } from './committed-reader.js';
import { event } from './fake-producers.js';

type Send = (events: readonly EventEnvelope[]) => Promise<SendOutcome[]>;

/** Milliseconds: a topic that takes long to answer is tried again after half a minute at the latest. */
const patienceMs = 240_000;
const silent = () => {};
const logger = { error: silent, warn: silent, info: silent, debug: silent };
const statuses = (outcomes: readonly SendOutcome[]) => outcomes.map(({ status }) => status);

describe('a Kafka that loses the broker of some topics', () => {
  let first: KafkaBroker;
  let second: KafkaBroker;
  let kafka: KafkaCluster;
  const ends: (() => Promise<void>)[] = [];

  beforeEach(async () => {
    const settings = { 'broker.session.timeout.ms': '2000', 'broker.heartbeat.interval.ms': '500' };
    first = await KafkaBroker.start({ settings });
    kafka = new KafkaCluster([first.address], () => first.stop());
    await transactional(); // while there is no other broker to keep transactions and offsets
    second = await KafkaBroker.start({ settings, joins: first });
    await kafka.admin((admin) =>
      until('both are there', async () => (await admin.describeCluster()).brokers.length === 2),
    );
  }, 120_000);

  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
    await second.stop();
    await kafka.end();
  }, 60_000);

  function client(): KafkajsClient {
    const retry = { retries: 2, initialRetryTime: 50 };
    const ofTest = { clientId: 'test', brokers: kafka.brokers, logLevel: logLevel.NOTHING };
    return new KafkajsClient({ kafka: new Kafka({ ...ofTest, retry }), producer: { retry } });
  }

  async function plain(): Promise<Send> {
    const publisher = new KafkaPublisher({ client: client(), clock: systemClock, logger });
    ends.push(() => publisher.stop());
    return (events) => publisher.send(events);
  }

  async function transactional(): Promise<Send> {
    const names = { prefix: 'lost', maxRequestBytes: 100_000_000 };
    const publisher = new KafkaTransactionalPublisher({
      client: client(),
      clock: systemClock,
      logger,
      ...names,
    });
    ends.push(() => publisher.stop());
    let token = 0n;
    const send: Send = async (events) => {
      const shard = await publisher.open({ outbox: 'o', shard: 0 }, []);
      try {
        return await shard.publish(events, { token: ++token, confirm: async () => {} });
      } finally {
        await shard.close();
      }
    };
    await until('the shard can be opened', () => answered(send, []).then((outcomes) => outcomes !== null));
    return send;
  }

  async function topicOn(topic: string, replicas: number[], least = 1): Promise<string> {
    const configEntries = [{ name: 'min.insync.replicas', value: `${least}` }];
    const replicaAssignment = [{ partition: 0, replicas }];
    await kafka.admin((admin) =>
      admin.createTopics({ topics: [{ topic, replicaAssignment, configEntries }] }),
    );
    return topic;
  }

  /** `null` where it rejects, as it may while the cluster looks for its brokers. */
  const answered = (send: Send, events: readonly EventEnvelope[]) => send(events).catch(() => null);

  async function sentAtLast(send: Send, one: EventEnvelope): Promise<void> {
    const sent = async () => (await answered(send, [one]))?.[0]?.status === 'sent';
    await until(`${one.id} is sent`, sent, patienceMs);
  }

  it.each([
    ['plain', plain],
    ['transactional', transactional],
  ] as const)(
    'goes on with the topics that have a leader, and with the others when theirs is back (%s)',
    async (kind, sender) => {
      const [here, there] = [await topicOn('here', [1]), await topicOn('there', [2])];
      const send = await sender();
      await sentAtLast(send, event('1', there));
      await sentAtLast(send, event('1', here)); // so that no transaction waits for a marker on the other
      await second.kill();

      let outcomes: SendOutcome[] | null = null;
      await until(
        'the leader is known to be lost, and the other topic is served',
        async () => {
          outcomes = await answered(send, [event('2', there), event('2', here)]);
          return outcomes?.[0]?.status === 'later' && outcomes[1]?.status === 'sent';
        },
        patienceMs,
      );
      await until(
        'it has no leader',
        async () => {
          outcomes = await answered(send, [event('2', there), event('3', here)]);
          return outcomes?.[0]?.status === 'later' && outcomes[0].reason.includes('LEADER_NOT_AVAILABLE');
        },
        patienceMs,
      );
      expect(statuses(outcomes!)).toEqual(['later', 'sent']);

      await second.start();
      await sentAtLast(send, event('2', there));

      expect(new Set(await idsOn(kafka, here))).toEqual(new Set(['1', '2', '3']));
      if (kind === 'transactional') expect(await idsOn(kafka, there)).toEqual(['1', '2']);
    },
    600_000,
  );

  it('goes on with the topics that have their replicas, and writes to no other', async () => {
    const [here, short] = [await topicOn('here', [1]), await topicOn('short', [1, 2], 2)];
    const send = await plain();
    await sentAtLast(send, event('1', short));
    await second.kill();

    let outcomes: SendOutcome[] | null = null;
    await until(
      'the replica is known to be lost',
      async () => {
        outcomes = await answered(send, [event('2', short), event('2', here)]);
        return outcomes?.[0]?.status === 'later' && outcomes[0].reason.includes('NOT_ENOUGH_REPLICAS');
      },
      patienceMs,
    );

    expect(statuses(outcomes!)).toEqual(['later', 'sent']);
  }, 600_000);
});
