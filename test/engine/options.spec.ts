import { databaseBroker, type EngineOptions, type HandlerDefinition } from '@exactly-once/core';
import { describe, expect, it } from '@jest/globals';
import { MemoryWorld } from './memory-world.js';

/** Why the engine does not start with one handler "h"; `accepted` where it does. */
async function answer(options: object, handler: object = {}, more: object[] = []): Promise<string> {
  const world = new MemoryWorld();
  const define = (given: object) => ({ ...world.handler('h'), ...given }) as HandlerDefinition;
  try {
    await world.start([define(handler), ...more.map(define)], options as Partial<EngineOptions>);
  } catch (error) {
    if ((error as { code?: string }).code === undefined) throw error;
    return (error as Error).message;
  }
  await world.stop();
  return 'accepted';
}

describe("the engine's options", () => {
  it.each([
    ['a mapping with an unknown key', { foreignTopics: { in: { typ: 'x' } } }, /"typ"; did you mean "type"/],
    ['a mapping without a type', { foreignTopics: { in: {} } }, /foreignTopics of topic "in".*type/],
    [
      'a beginning for a topic that nobody consumes',
      { startFrom: { inn: 'latest' } },
      /"inn".*did you mean "in"/,
    ],
    ['a retired handler that is declared', { retiredHandlers: ['h'] }, /retiredHandlers.*"h"/],
    ['an empty group', { group: '' }, /group is ""/],
    ['a blank group', { group: ' ' }, /group is " "/],
    ['no batch bounds', { batch: null }, /batch is null/],
    ['a relay that is neither bounds nor false', { relay: true }, /relay is true/],
    ['a relay that may be transactional', { relay: { transactional: 'yes' } }, /transactional is yes/],
    ['a retention that is null', { retention: null }, /retention is null/],
    ['handlers that nothing feeds', { broker: null }, /broker.*h/],
    ['version 0', { types: [{ type: 'happened', topic: 'in', version: 0 }] }, /version of type "happened"/],
    ['a type without a topic', { types: [{ type: 'happened', topic: '', version: 1 }] }, /topic of type/],
    [
      'a backoff above its bound',
      { retry: { backoffMs: 5_000, maxBackoffMs: 10 } },
      /backoffMs.*maxBackoffMs/,
    ],
    [
      'an outbox that is relayed and forgotten at once',
      { retention: { unrelayedMs: 3_600_000 } },
      /unrelayedMs.*`relay: false`/,
    ],
    ['an outbox that is forgotten too soon', { relay: false, retention: { unrelayedMs: 1 } }, /unrelayedMs/],
    ['a window of seconds', { retention: { windowDays: 0.0001 } }, /windowDays/],
    [
      'a window shorter than a wait between two attempts',
      { retention: { windowDays: 0.01 }, retry: { maxBackoffMs: 3_600_000 } },
      /windowDays.*maxBackoffMs/,
    ],
  ])('are refused: %s', async (_, options, why) => {
    expect(await answer(options)).toMatch(why);
  });

  it('are refused: a transactional relay to a broker that has no transactions', async () => {
    const { create } = databaseBroker();
    const options = { relay: { transactional: true }, broker: await create() };

    expect(await answer(options)).toMatch(/EO_OPTION_INVALID.*"database" has no transactions/);
    expect(await answer({ relay: { transactional: true } })).toBe('accepted');
  });

  it.each([
    ['an unknown option', { timoutMs: 5 }, [], /"timoutMs"; did you mean "timeoutMs"/],
    ['a backoff above its bound', { retry: { backoffMs: 60_000 } }, [], /backoffMs.*maxBackoffMs/],
    ['an order that is none', { order: 'keys' }, [], /order of h.*"keys".*did you mean "key"/],
    ['new and renamed', { renamedFrom: 'x', new: true }, [], /h.*renamedFrom.*new/],
    ['renamed from itself', { renamedFrom: 'h' }, [], /renamedFrom/],
    ['two with one former name', { renamedFrom: 'o' }, [{ name: 'q', renamedFrom: 'o' }], /h.*q|q.*h/],
    [
      'a former name that another goes by, not as a new one',
      { renamedFrom: 'q' },
      [{ name: 'q' }],
      /"q".*new: true/,
    ],
    [
      'a Kafka transaction without Kafka',
      { transaction: 'kafka' },
      [],
      /h: transaction: 'kafka' needs kafkaBroker/,
    ],
    ['a transaction of nobody', { transaction: 'kafak' }, [], /"kafak".*did you mean "kafka"/],
  ])('are refused of a handler: %s', async (_, handler, more, why) => {
    expect(await answer({}, handler, more)).toMatch(why);
  });

  it('are accepted where each says something that holds', async () => {
    const options = {
      foreignTopics: { in: { type: 'happened', id: () => 'x', source: 's' } },
      startFrom: { in: 'latest' },
      retiredHandlers: ['gone'],
      group: 'g',
      retention: { windowDays: 1 },
    };

    expect(await answer({ ...options, order: 'partition' }, { order: 'none' })).toBe('accepted');
    expect(await answer({ order: 'kee' })).toMatch(/EO_OPTION_INVALID.*order.*"kee".*did you mean "key"/);
    expect(await answer(options, { renamedFrom: 'q' }, [{ name: 'q', new: true }])).toBe('accepted');
  });
});
