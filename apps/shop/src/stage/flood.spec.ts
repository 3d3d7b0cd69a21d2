import type { Broker, EventEnvelope, Publisher, SendOutcome } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Chance } from './chance.js';
import { Flood } from './flood.js';

const event = (key: string, id: string) => ({ key, id }) as EventEnvelope;

/** A publisher that keeps what it is sent, and refuses what is called `bad`. */
class Sent {
  readonly ids: string[] = [];
  fails = false;

  async start(): Promise<void> {}
  async stop(): Promise<void> {}
  async send(events: readonly EventEnvelope[]): Promise<SendOutcome[]> {
    if (this.fails) throw new Error('away');
    this.ids.push(...events.map(({ id }) => id));
    return events.map(({ id }) =>
      id === 'bad' ? { status: 'refused' as const, reason: 'too large' } : { status: 'sent' as const },
    );
  }
}

describe('the flood', () => {
  let sent: Sent;

  beforeEach(() => {
    sent = new Sent();
    jest.useFakeTimers();
  });
  afterEach(() => void jest.useRealTimers());

  const flooded = (copies: number): { flood: Flood; publisher: Publisher } => {
    const flood = new Flood(new Chance(1, 'flood'), copies);
    const broker = { publisher: () => sent as Publisher } as Broker;
    return { flood, publisher: flood.broker(broker).publisher() };
  };

  it('sends each event, those of a key in order and those of different keys mixed', async () => {
    const { publisher } = flooded(0);
    const keys = ['a', 'b', 'c', 'd', 'e'];
    const events = keys.flatMap((key) => [1, 2, 3].map((number) => event(key, `${key}${number}`)));

    await publisher.send(events);

    expect(sent.ids.toSorted()).toEqual(events.map(({ id }) => id).toSorted());
    expect(sent.ids).not.toEqual(events.map(({ id }) => id));
    for (const key of keys) {
      expect(sent.ids.filter((id) => id.startsWith(key))).toEqual(
        [1, 2, 3].map((number) => `${key}${number}`),
      );
    }
  });

  it('sends as many copies as it was told, some by themselves when nothing else is sent', async () => {
    const { flood, publisher } = flooded(2);

    for (let number = 0; number < 20; number++) await publisher.send([event('a', `a${number}`)]);
    while (flood.waiting > 0) await jest.advanceTimersByTimeAsync(100);

    for (let number = 0; number < 20; number++) {
      expect(sent.ids.filter((id) => id === `a${number}`)).toHaveLength(3);
    }
  });

  it('makes no more copies of an event that is published again', async () => {
    const { flood, publisher } = flooded(2);

    for (let time = 0; time < 3; time++) await publisher.send([event('a', 'a1')]);
    while (flood.waiting > 0) await jest.advanceTimersByTimeAsync(100);

    expect(sent.ids).toHaveLength(3 + 2);
  });

  it('brings copies after later events of the same key', async () => {
    const { publisher } = flooded(3);

    for (let number = 0; number < 20; number++) await publisher.send([event('a', `a${number}`)]);

    const numbers = sent.ids.map((id) => Number(id.slice(1)));
    expect(numbers).not.toEqual(numbers.toSorted((one, other) => one - other));
  });

  it('answers for the events that it was given, in their order', async () => {
    const { publisher } = flooded(2);
    await publisher.send([event('a', 'a1'), event('b', 'b1')]);

    const outcomes = await publisher.send([event('a', 'a2'), event('b', 'bad'), event('c', 'c2')]);

    expect(outcomes.map(({ status }) => status)).toEqual(['sent', 'refused', 'sent']);
  });

  it('loses no event where a send fails, and goes on', async () => {
    const { publisher } = flooded(1);
    sent.fails = true;
    await expect(publisher.send([event('a', 'a1')])).rejects.toThrow('away');
    sent.fails = false;

    await publisher.send([event('a', 'a1')]);

    expect(sent.ids).toContain('a1');
  });

  it('stops with copies left, and sends none afterwards', async () => {
    const { publisher } = flooded(5);
    await publisher.send([event('a', 'a1')]);
    const before = sent.ids.length;

    await publisher.stop();
    await jest.advanceTimersByTimeAsync(10_000);

    expect(sent.ids).toHaveLength(before);
  });
});
