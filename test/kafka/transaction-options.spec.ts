import { Engine, type EngineOptions, type HandlerDefinition } from '@exactly-once/core';
import { kafkaBroker } from '@exactly-once/kafka';
import { InMemoryStorage, ManualClock } from '@exactly-once/testing';
import { describe, expect, it } from '@jest/globals';

const storage = () => new InMemoryStorage(new ManualClock());

/** Why there is no engine with one handler "h" of topic "in" in a Kafka transaction; `accepted` where there is. */
function answer(options: object, handler: object = {}, others: object[] = []): string {
  const types = [
    { type: 'happened', topic: 'in', version: 1 },
    { type: 'else', topic: 'other', version: 1 },
  ];
  const define = (given: object) =>
    ({ name: 'h', type: 'happened', invoke: async () => {}, ...given }) as HandlerDefinition;
  const broker = kafkaBroker({ client: { brokers: ['localhost:1'] } }).create();
  const handlers = [define({ transaction: 'kafka', ...handler }), ...others.map(define)];
  try {
    new Engine({
      ...{ service: 's', unhandled: 'skip', types, handlers, broker },
      ...options,
    } as unknown as EngineOptions);
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
}

describe('handlers in Kafka transactions', () => {
  it.each([
    ['no database', {}, {}, []],
    ['a former name', {}, { renamedFrom: 'before' }, []],
    ['a database for handlers of other topics', { storage: storage() }, {}, [{ name: 'd', type: 'else' }]],
  ])('start with %s', (_, options, handler, others) => {
    expect(answer(options, handler, others)).toBe('accepted');
  });

  it.each([
    [
      'a choice of the commit',
      {},
      { commit: 'event' },
      [],
      /`commit` beside transaction: 'kafka': there is no/,
    ],
    [
      'positions of a fence',
      {},
      { dedup: 'offset' },
      [],
      /`dedup` beside transaction: 'kafka': its position/,
    ],
    ['parking', {}, { order: 'key' }, [], /`order` beside transaction: 'kafka': there is no database/],
    [
      'a batch handler',
      {},
      { batch: 5, invoke: undefined, invokeBatch: async () => {} },
      [],
      /`batch` beside transaction: 'kafka': its handler is called for each event/,
    ],
    ['new: true', {}, { new: true }, [], /`new` beside transaction: 'kafka': there is no inbox/],
    ['a database handler without one', {}, {}, [{ name: 'd', type: 'else' }], /no `storage`, and d need/],
    [
      'a relay without an outbox',
      { relay: { batchSize: 5 } },
      {},
      [],
      /`relay` is set, but without `storage`/,
    ],
    ['retention without an inbox', { retention: {} }, {}, [], /`retention` is set, but without `storage`/],
    [
      'a database handler of the same topic',
      { storage: storage() },
      {},
      [{ name: 'd' }],
      /topic "in" is consumed by h in a Kafka transaction and by d/,
    ],
    [
      'a beginning at the end of its topic',
      { startFrom: { in: 'latest' } },
      {},
      [],
      /startFrom of topic "in" is latest, and h reads it in a Kafka transaction/,
    ],
    [
      'another transport',
      { foreignHandlers: [{ name: 'f', transaction: 'kafka' }] },
      {},
      [],
      /f has transaction: 'kafka', and is not consumed/,
    ],
  ])('do not start with %s', (_, options, handler, others, why) => {
    expect(answer(options, handler, others)).toMatch(why);
  });

  it('are refused where there is neither a database nor any of them', () => {
    expect(answer({ handlers: [] })).toMatch(/no `storage`, and ExactlyOnce.transaction and the outbox need/);
  });

  it.each([
    ['a topic that is no function', { deadLetterTopic: 'dead' }, /deadLetterTopic is string/],
    [
      'a transactional id',
      { producer: { transactionalId: 'x' } },
      /transactionalId cannot be set: each partition/,
    ],
  ])('take no %s from the broker', (_, options, why) => {
    expect(() => kafkaBroker({ client: { brokers: ['localhost:1'] }, ...options } as never)).toThrow(why);
  });
});
