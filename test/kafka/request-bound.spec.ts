import type { EventEnvelope, SendOutcome } from '@exactly-once/core';
import { ManualClock } from '@exactly-once/testing';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { KafkaPublisher } from '../../libs/kafka/src/kafka-publisher.js';
import { KafkajsClient } from '../../libs/kafka/src/kafkajs/kafkajs-client.js';
import { event, FakeProducers } from './fake-producers.js';

describe('KafkaPublisher, where requests are too large for the broker', () => {
  const kilobyte = 1_000;
  let kafka: FakeProducers;
  let publisher: KafkaPublisher;

  beforeEach(() => {
    kafka = new FakeProducers();
    kafka.mostBytes = Number.POSITIVE_INFINITY;
    publisher = aPublisher();
  });

  function aPublisher(maxRequestBytes?: number): KafkaPublisher {
    const silent = () => {};
    const logger = { error: silent, warn: silent, info: silent, debug: silent };
    const client = new KafkajsClient({ kafka: kafka.client() });
    return new KafkaPublisher({ client, clock: new ManualClock(), logger, maxRequestBytes });
  }

  const sized = (name: string, kilobytes: number) => ({
    ...event(name, 't', 'k'),
    body: Buffer.from(name.padEnd(kilobytes * kilobyte)),
  });
  const written = () => kafka.written.map((value) => value.trim());

  /** As the relay does: what was neither sent nor refused is sent again. */
  async function relayed(events: EventEnvelope[], times: number): Promise<SendOutcome[]> {
    const outcomes = new Map<EventEnvelope, SendOutcome>();
    for (let round = 0; round < times; round++) {
      const rest = events.filter((one) => (outcomes.get(one)?.status ?? 'later') === 'later');
      if (rest.length === 0) break;
      const answers = await publisher.send(rest).catch((): SendOutcome[] => []);
      answers.forEach((answer, index) => void outcomes.set(rest[index]!, answer));
    }
    return events.map((one) => outcomes.get(one) ?? { status: 'later', reason: 'it was thrown' });
  }

  it('sends a batch in requests within the bound, in order', async () => {
    publisher = aPublisher(100 * kilobyte);
    kafka.closesAbove = 100 * kilobyte;
    const names = Array.from({ length: 10 }, (_, number) => `${number}`);

    const outcomes = await publisher.send(names.map((name) => sized(name, 30)));

    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['sent']));
    expect(written()).toEqual(names);
    expect(kafka.requests).toBe(4);
  });

  it('refuses what is larger alone without sending it, headers included', async () => {
    publisher = aPublisher(100 * kilobyte);
    const headers = { large: 'x'.repeat(100 * kilobyte) };

    const outcomes = await publisher.send([sized('a', 1), { ...sized('b', 1), headers }, sized('c', 101)]);

    expect(outcomes.map(({ status }) => status)).toEqual(['sent', 'refused', 'refused']);
    expect(outcomes[2]).toMatchObject({
      reason: expect.stringMatching(/REQUEST_TOO_LARGE.*maxRequestBytes/),
    });
    expect(written()).toEqual(['a']);
  });

  it('sends smaller requests where large ones close the connection again and again', async () => {
    kafka.closesAbove = 200 * kilobyte;
    const names = Array.from({ length: 10 }, (_, number) => `${number}`);

    const outcomes = await relayed(
      names.map((name) => sized(name, 90)),
      8,
    );

    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['sent']));
    expect(written()).toEqual(names);
    const before = kafka.requests;
    await publisher.send(names.map((name) => sized(name, 10)));
    expect(kafka.requests - before).toBe(1);
  });

  it('refuses the event that closes the connection whenever it is sent alone, and sends the others once', async () => {
    kafka.closesAbove = 200 * kilobyte;
    const events = [sized('a', 1), { ...sized('large', 300), key: 'another' }, sized('b', 1), sized('c', 1)];

    const outcomes = await relayed(events, 12);

    expect(outcomes.map(({ status }) => status)).toEqual(['sent', 'refused', 'sent', 'sent']);
    expect(outcomes[1]).toMatchObject({ reason: expect.stringMatching(/CONNECTION_CLOSED.*3 times/) });
    expect(written()).toEqual(['a', 'b', 'c']);
  });

  it('blames no event while the broker does not answer, nor a second before another has passed', async () => {
    kafka.closesAbove = 0;
    kafka.answersPings = false;
    const away = await relayed([sized('large', 300)], 10);
    kafka.answersPings = true;
    const blamed = await relayed([sized('large', 300)], 10);
    const suspect = await relayed([sized('larger', 400)], 10);
    kafka.closesAbove = 200 * kilobyte;
    await publisher.send([sized('a', 1)]);
    const certain = await relayed([sized('larger', 400)], 10);

    const statuses = [away, blamed, suspect, certain].map(([outcome]) => outcome!.status);
    expect(statuses).toEqual(['later', 'refused', 'later', 'refused']);
  });

  it('blames no event that is small, or no larger than what has passed', async () => {
    await publisher.send([sized('as large', 300)]);
    kafka.closesAbove = 0;

    const [small, large] = [await relayed([sized('s', 1)], 10), await relayed([sized('large', 299)], 10)];

    expect([small[0]!.status, large[0]!.status]).toEqual(['later', 'later']);
  });
});
