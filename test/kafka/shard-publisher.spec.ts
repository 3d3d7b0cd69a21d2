import type { EventEnvelope, SendOutcome } from '@exactly-once/core';
import { ManualClock } from '@exactly-once/testing';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { KafkajsClient } from '../../libs/kafka/src/kafkajs/kafkajs-client.js';
import { KafkaTransactionalPublisher } from '../../libs/kafka/src/relay-transactions/kafka-transactional-publisher.js';
import { connectionClosed, event, FakeProducers, protocolError, timedOut } from './fake-producers.js';

const kilobyte = 1_000;

describe('a shard at Kafka', () => {
  let kafka: FakeProducers;
  let clock: ManualClock;
  let publisher: KafkaTransactionalPublisher;
  let confirmed: (readonly number[])[];

  beforeEach(() => {
    kafka = new FakeProducers();
    kafka.mostBytes = Number.POSITIVE_INFINITY;
    clock = new ManualClock();
    confirmed = [];
    const silent = () => {};
    publisher = new KafkaTransactionalPublisher({
      client: new KafkajsClient({ kafka: kafka.client() }),
      clock,
      logger: { error: silent, warn: silent, info: silent, debug: silent },
      ...{ prefix: 'p', maxRequestBytes: 100_000_000 },
    });
  });

  let token = 0n;
  async function publish(...events: EventEnvelope[]): Promise<SendOutcome[]> {
    const shard = await publisher.open({ outbox: 'o', shard: 0 }, []);
    const confirm = async (indexes: readonly number[]) => void confirmed.push(indexes);
    try {
      return await shard.publish(events, { token: ++token, confirm });
    } finally {
      await shard.close();
    }
  }

  const statuses = (outcomes: SendOutcome[]) => outcomes.map(({ status }) => status);
  const sized = (name: string, kilobytes: number, topic = 't') => ({
    ...event(name, topic, name),
    body: Buffer.from(name.padEnd(kilobytes * kilobyte)),
  });
  const written = () => kafka.written.map((value) => value.trim());

  describe('where one topic fails', () => {
    it.each([
      ['has no leader', protocolError('LEADER_NOT_AVAILABLE'), 'LEADER_NOT_AVAILABLE'],
      ['was not tried for another', protocolError('OPERATION_NOT_ATTEMPTED'), 'OPERATION_NOT_ATTEMPTED'],
      ['gets no answer from its leader', timedOut(), 'look at the broker that leads it'],
      ['has a leader that closes connections', connectionClosed(), 'look at the broker that leads it'],
    ])('commits the others, once, while a topic %s', async (_, error, reason) => {
      kafka.failing.set('bad', error);
      const events = [event('1', 'bad'), event('a'), event('2', 'bad'), event('b', 'other'), event('c')];

      const outcomes = await publish(...events);

      expect(statuses(outcomes)).toEqual(['later', 'sent', 'later', 'sent', 'sent']);
      expect(outcomes[0]).toHaveProperty('reason', expect.stringContaining(reason));
      expect(outcomes[0]).toHaveProperty('reason', expect.stringContaining('"bad"'));
      expect(kafka.written.sort()).toEqual(['a', 'b', 'c']);
      expect(confirmed.at(-1)).toEqual([1, 3, 4]);
    });

    it('has the others wait for it once, also where the shard is opened anew', async () => {
      kafka.failing.set('bad', timedOut());
      await publish(event('1', 'bad'), event('a'));
      const asked = kafka.requests;

      const meanwhile = await publish(event('1', 'bad'), event('b'));
      const askedMeanwhile = kafka.requests - asked;
      await clock.advance(2_000);
      const still = await publish(event('1', 'bad'), event('c'));
      kafka.failing.clear();
      await clock.advance(2_000);
      const mended = await publish(event('1', 'bad'), event('2', 'bad'));

      expect([meanwhile, still, mended].map(statuses)).toEqual([
        ['later', 'sent'],
        ['later', 'sent'],
        ['sent', 'sent'],
      ]);
      expect(kafka.written).toEqual(['a', 'b', 'c', '1', '2']);
      expect(askedMeanwhile).toBe(1);
      expect(kafka.commits).toBe(4);
    });

    it('asks more seldom for what takes long to answer', async () => {
      kafka.failing.set('bad', timedOut());
      await publish(event('1', 'bad'), event('a'));
      await clock.advance(2_000);
      kafka.asked = () => clock.advance(5_000);
      await publish(event('1', 'bad'), event('b'));
      const asked = kafka.requests;

      await clock.advance(14_000); // beside the 5 s of the one that is sent
      await publish(event('1', 'bad'), event('c'));
      const meanwhile = kafka.requests - asked;
      await publish(event('1', 'bad'), event('d'));

      expect(meanwhile).toBe(1);
      expect(kafka.requests - asked - meanwhile).toBe(2);
    });

    it('says of the broker that it is unavailable where each fails, and lets them wait from then on', async () => {
      kafka.failing.set('t', timedOut()).set('other', timedOut());
      await expect(publish(event('a'), event('b', 'other'))).rejects.toThrow('EO_BROKER_UNAVAILABLE');
      kafka.failing.delete('other');

      const again = await publish(event('a'), event('b', 'other'));

      expect(statuses(again)).toEqual(['later', 'sent']);
    });

    it('tries no topic by itself while the broker does not answer', async () => {
      kafka.failing.set('t', timedOut());
      kafka.answersPings = false;

      await expect(publish(event('a'), event('b', 'other'))).rejects.toThrow('EO_BROKER_UNAVAILABLE');

      expect(kafka.requests).toBe(1);
    });

    it('lets no event pass one of its topic that waits, though its pause ends meanwhile', async () => {
      kafka.mostBytes = 25; // all three are refused together, and halved
      kafka.asked = async (request) => {
        if (request === 2) kafka.missing.add('bad');
        if (request !== 4) return;
        kafka.missing.clear();
        await clock.advance(3_000);
      };
      const of = (name: string, topic: string) => event(name.padEnd(10), topic);

      const outcomes = await publish(of('1', 'bad'), of('a', 'other'), of('2', 'bad'));

      expect(statuses(outcomes)).toEqual(['later', 'sent', 'later']);
      expect(written()).toEqual(['a']);
      expect(statuses(await publish(event('1', 'bad'), event('2', 'bad')))).toEqual(['sent', 'sent']);
    });
  });

  describe('where requests are too large for the broker', () => {
    it('finds out in one call which event closes the connection, and commits the others once, in order', async () => {
      kafka.closesAbove = 200 * kilobyte;
      const events = [sized('a', 90), sized('large', 300), sized('b', 90), sized('c', 90), sized('d', 1)];

      const outcomes = await publish(...events);

      expect(statuses(outcomes)).toEqual(['sent', 'refused', 'sent', 'sent', 'sent']);
      expect(outcomes[1]).toMatchObject({ reason: expect.stringMatching(/CONNECTION_CLOSED.*3 times/) });
      expect(written()).toEqual(['a', 'b', 'c', 'd']);
      expect(confirmed.at(-1)).toEqual([0, 2, 3, 4]);
    });

    it('refuses several that do, also of several topics, where others pass', async () => {
      kafka.closesAbove = 200 * kilobyte;
      const events = [
        ...[sized('large', 300), sized('larger', 301), sized('a', 1)],
        ...[sized('b', 1, 'u'), sized('largest', 302, 'u')],
      ];

      const outcomes = await publish(...events);

      expect(statuses(outcomes)).toEqual(['refused', 'refused', 'sent', 'sent', 'refused']);
      expect(written().sort()).toEqual(['a', 'b']);
    });

    it('stays below what was closed from then on, also where the shard is opened anew', async () => {
      kafka.closesAbove = 200 * kilobyte;
      const names = Array.from({ length: 10 }, (_, number) => `${number}`);
      await publish(...names.map((name) => sized(name, 90)));
      const before = kafka.requests;

      await publish(...names.map((name) => sized(name, 90)));

      expect(written()).toEqual([...names, ...names]);
      expect(kafka.requests - before).toBeLessThanOrEqual(10);
    });

    it('blames none while all are closed, and none that is small', async () => {
      kafka.closesAbove = 0;
      const outcomes: SendOutcome[] = [];
      for (let times = 0; times < 5; times++) {
        const answers = publish(sized('larger', 300), sized('large', 299), sized('small', 1));
        outcomes.push(...(await answers.catch(() => [])));
      }

      expect(outcomes.filter(({ status }) => status === 'sent')).toEqual([]);
      expect(statuses(outcomes).filter((status) => status === 'refused').length).toBeLessThanOrEqual(1);
    });
  });

  describe('when it is opened', () => {
    const open = (...inDoubt: bigint[]) => publisher.open({ outbox: 'o', shard: 0 }, inDoubt);

    it('looks twice for what is in doubt, where Kafka tells of the commit late', async () => {
      kafka.offsets.set('p.o.0', '6');
      const opened = open(7n);
      await clock.advance(999);
      kafka.offsets.set('p.o.0', '7');
      await clock.advance(1);

      expect((await opened).committed).toBe(7n);
      expect(kafka.offsetsAsked).toBe(1 + 2); // before the producer was opened, and after
    });

    it('takes it as not sent where it is not there the second time', async () => {
      const opened = open(7n);
      await clock.advance(1_000);

      expect((await opened).committed).toBeNull();
    });

    it('looks once where nothing is in doubt, or what is in doubt is there', async () => {
      kafka.offsets.set('p.o.0', '7');

      const tokens = [(await open()).committed, (await open(6n, 7n)).committed];

      expect(tokens).toEqual([7n, 7n]);
      expect(kafka.offsetsAsked).toBe(2 * (1 + 1));
    });
  });
});
