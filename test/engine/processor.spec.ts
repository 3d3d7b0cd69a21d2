import { PermanentError, RetryAfterError } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { caused, MemoryWorld } from './memory-world.js';

describe('the processor', () => {
  let world: MemoryWorld;

  beforeEach(() => {
    world = new MemoryWorld();
  });

  afterEach(async () => {
    await world.stop();
  });

  it('handles each event once, in order, also when it stands twice in a batch and comes again later', async () => {
    await world.start([world.handler('h')]);

    world.feed('1', '2', '1', '3');
    await world.pass();
    world.feed('2', '4');
    await world.pass();

    expect(world.effects).toEqual(['h 1', 'h 2', 'h 3', 'h 4']);
    expect(world.calls).toHaveLength(4);
  });

  it('runs the same id of another source, and for another handler', async () => {
    await world.start([world.handler('a'), world.handler('b')]);

    world.broker.append('in', world.message('1'), world.message('1', '{}', 'happened', 'elsewhere'));
    await world.pass();

    expect([...world.effects].sort()).toEqual(['a 1', 'a 1', 'b 1', 'b 1']);
  });

  it('keeps the effects of neighbours where one fails, and tries that one again with backoff, meanwhile the others', async () => {
    let healthy = false;
    await world.start([
      world.handler('h', ({ id }) => {
        if (id === '2' && !healthy) throw new Error('not yet');
      }),
    ]);

    world.feed('1', '2', '3');
    await world.pass();
    expect(world.effects).toEqual(['h 1', 'h 3']);
    healthy = true;
    await world.pass(1_000);

    expect(world.effects).toEqual(['h 1', 'h 3', 'h 2']);
    expect(world.letters).toEqual([]);
  });

  it('never calls a handler again with an event that was committed', async () => {
    await world.start([
      world.handler('h', ({ id }) => {
        if (id === '3') throw new Error('always');
      }),
    ]);

    world.feed('1', '2', '3', '4');
    await world.pass(60_000);

    expect(world.calls.filter((call) => call === 'h 1').length).toBeLessThanOrEqual(2);
    expect(world.calls.filter((call) => call === 'h 3')).toHaveLength(5);
    expect(world.effects).toEqual(['h 1', 'h 2', 'h 4']);
    expect(world.letters).toEqual(['h EO_HANDLER_FAILED 3']);
  });

  it('dead-letters what is hopeless at once, and goes on', async () => {
    await world.start([
      world.handler('h', ({ id }) => {
        if (id === '2') throw new PermanentError('no');
      }),
    ]);

    world.broker.append(
      'in',
      world.message('1'),
      world.message('2'),
      { body: 'no headers' },
      world.message('4', '{"'),
    );
    world.feed('5');
    await world.pass();

    expect(world.effects).toEqual(['h 1', 'h 5']);
    expect(world.letters).toEqual([
      'h EO_PERMANENT 2',
      'null EO_ENVELOPE_INVALID null',
      'h EO_BODY_INVALID 4',
    ]);
    expect(world.calls.filter((call) => call === 'h 2')).toHaveLength(2); // beside its neighbours, and alone
  });

  it('dead-letters once what is delivered again', async () => {
    await world.start([
      world.handler('h', () => {
        throw new PermanentError('no');
      }),
    ]);

    world.feed('1', '1');
    await world.pass();
    world.feed('1');
    await world.pass();

    expect(world.letters).toEqual(['h EO_PERMANENT 1']);
  });

  it('dead-letters another body under a known id, with both fingerprints, once', async () => {
    await world.start([world.handler('h')], { dedupCacheSize: 0 });

    world.broker.append('in', world.message('1', '{"a":1}'), world.message('1', '{"a":2}'));
    await world.pass();
    world.broker.append('in', world.message('1', '{"a":2}'), world.message('1', '{"a":1}'));
    await world.pass();

    expect(world.effects).toEqual(['h 1']);
    expect(world.letters).toEqual(['h EO_ID_REUSED 1']);
    expect(world.storage.deadLetters.letters[0]?.errorChain[0]).toMatch(
      /body [0-9a-f]{32}, recorded body [0-9a-f]{32}/,
    );
  });

  it('leaves the other handler of a type alone where one always fails', async () => {
    await world.start([
      world.handler('bad', () => {
        throw new Error('always');
      }),
      world.handler('good'),
    ]);

    world.feed('1', '2');
    await world.pass(60_000);

    expect(world.effects).toEqual(['good 1', 'good 2']);
    expect(world.letters).toEqual(['bad EO_HANDLER_FAILED 1', 'bad EO_HANDLER_FAILED 2']);
  });

  it('obeys RetryAfterError', async () => {
    let calls = 0;
    await world.start([
      world.handler('h', () => {
        if (++calls === 1) throw new RetryAfterError(5_000);
      }),
    ]);

    world.feed('1');
    await world.pass(4_900);
    expect(calls).toBe(1);
    await world.pass(200);

    expect(world.effects).toEqual(['h 1']);
  });

  it('rolls back a handler that does not settle, and counts it', async () => {
    const reasons: unknown[] = [];
    await world.start([
      world.handler(
        'h',
        async ({ id, signal }) => {
          if (id !== '2') return;
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          reasons.push((signal.reason as { code: string }).code);
          await new Promise(() => {});
        },
        { timeoutMs: 1_000, retry: { attempts: 2 } },
      ),
    ]);

    world.feed('1', '2', '3');
    await world.pass(10_000);

    expect(reasons).toEqual(['EO_HANDLER_TIMEOUT', 'EO_HANDLER_TIMEOUT']);
    expect(world.effects).toEqual(['h 1', 'h 3']);
    expect(world.letters).toEqual(['h EO_HANDLER_TIMEOUT 2']);
  });

  it('fails an event whose handler writes after it has returned', async () => {
    let late: () => void = () => {};
    await world.start([
      world.handler('h', () => {
        const written = new Promise<void>((resolve) => {
          late = resolve;
        }).then(() => world.ledger.append({ handler: 'late', id: '1' }));
        written.catch((error: { code: string }) => world.log.push(error.code));
      }),
    ]);

    world.feed('1');
    await world.pass();
    late();
    await world.pass();

    expect(world.effects).toEqual(['h 1']);
    expect(world.log).toContain('EO_TRANSACTION_ENDED');
  });

  it('gives what a repeated run publishes the same ids, and publishes them once', async () => {
    const ids: string[] = [];
    let runs = 0;
    await world.start([
      world.handler('h', async ({ id }) => {
        for (const by of ['a', 'b'])
          ids.push((await world.engine.outbox.publish(caused, { by: `${id}${by}` })).id);
        if (++runs === 1) throw new Error('once more');
      }),
    ]);

    world.feed('1');
    await world.pass(1_000);

    expect(ids.slice(2)).toEqual(ids.slice(0, 2));
    expect(world.published).toEqual(ids.slice(0, 2));
  });

  it.each([
    ['skip', [], ['h 1', 'h 3']],
    ['dead-letter', ['null EO_TYPE_UNHANDLED 2'], ['h 1', 'h 3']],
    ['stop', [], ['h 1']],
  ] as const)('does with a type without a handler what is said: %s', async (unhandled, letters, effects) => {
    await world.start([world.handler('h')], { unhandled });

    world.broker.append('in', world.message('1'), world.message('2', '{}', 'unknown'), world.message('3'));
    await world.pass();

    expect(world.effects).toEqual(effects);
    expect(world.letters).toEqual(letters);
    expect(world.engine.health().status).toBe(unhandled === 'stop' ? 'down' : 'up');
  });

  it('gives an event with commit: "event" a transaction of its own', async () => {
    await world.start([
      world.handler(
        'h',
        ({ id }) => {
          if (id === '3') throw new PermanentError('no');
        },
        { commit: 'event' },
      ),
    ]);

    world.feed('1', '2', '3', '4');
    await world.pass();

    expect(world.calls).toEqual(['h 1', 'h 2', 'h 3', 'h 4']);
  });
});
