import { ExactlyOnceError, PermanentError, RetryAfterError } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MortalWorld } from './mortal-world.js';

/** An event that failed waits in the database, those of its key behind it, and is tried again when its time has come. */
describe('an event that failed', () => {
  let world: MortalWorld;

  beforeEach(() => {
    world = new MortalWorld();
  });

  afterEach(async () => {
    await world.stop();
  });

  const failing = (id: string, times: number, error: () => Error = () => new Error('not yet')) => {
    let failures = 0;
    return (context: { id: string }) => {
      if (context.id === id && failures++ < times) throw error();
    };
  };
  const callsOf = (id: string) => world.calls.filter((call) => call === `h ${id}`);

  it('waits with those of its key behind it, in order, and holds up no other', async () => {
    const at: number[] = [];
    const fails = failing('2', 2);
    await world.start([
      world.handler('h', (context) => {
        if (context.id === '2') at.push(world.clock.now());
        fails(context);
      }),
    ]);

    world.feedKeyed(['1', 'a'], ['2', 'a'], ['3', 'b'], ['4', 'a']);
    await world.pass();
    world.feedKeyed(['5', 'b'], ['6', 'a'], ['7', 'c']);
    await world.pass();
    const meanwhile = [...world.effects];
    const waiting = [...world.waiting];
    await world.pass(5_000);

    expect(meanwhile).toEqual(['h 1', 'h 3', 'h 5', 'h 7']);
    expect(waiting.map((one) => one.split(',')[0])).toEqual([
      '2 EO_HANDLER_FAILED',
      '4 EO_KEY_PARKED',
      '6 EO_KEY_PARKED',
    ]);
    expect(world.effects).toEqual(['h 1', 'h 3', 'h 5', 'h 7', 'h 2', 'h 4', 'h 6']);
    expect(at.slice(-2).map((time) => time - at[0]!)).toEqual([50, 150]);
    expect(world.storage.parked.any).toBe(false);
  });

  it('is told which attempt it is, and is dead-lettered at its last; then its key goes on', async () => {
    const attempts: number[] = [];
    await world.start([
      world.handler(
        'h',
        ({ id, attempt }) => {
          if (id !== '2') return;
          attempts.push(attempt);
          throw new Error('always', { cause: new Error('the reason') });
        },
        { commit: 'event', retry: { attempts: 3 } },
      ),
    ]);

    world.feedKeyed(['1', 'a'], ['2', 'a'], ['3', 'a']);
    await world.pass(60_000);

    expect(attempts).toEqual([1, 2, 3]);
    expect(world.effects).toEqual(['h 1', 'h 3']);
    expect(world.letters).toEqual(['h EO_HANDLER_FAILED 2']);
    expect(world.storage.deadLetters.letters[0]).toMatchObject({
      attempts: 3,
      errorChain: ['Error: always', 'Error: the reason'],
      offset: 1n,
    });
    expect(world.storage.parked.any).toBe(false);
  });

  it('is dead-lettered at once where a retry finds that it is hopeless', async () => {
    const fails = failing('1', 1);
    await world.start([
      world.handler('h', (context) => {
        fails(context);
        if (context.id === '1') throw new PermanentError('never');
      }),
    ]);

    world.feedKeyed(['1', 'a'], ['2', 'a']);
    await world.pass(1_000);

    expect(world.letters).toEqual(['h EO_PERMANENT 1']);
    expect(world.effects).toEqual(['h 2']);
  });

  it('leaves a letter that is redacted and published like any other', async () => {
    await world.start(
      [
        world.handler('h', () => {
          throw new Error('the card 4711');
        }),
      ],
      {
        retry: { attempts: 2 },
        deadLetters: { topic: 'out', redact: (letter) => ({ ...letter, errorChain: ['gone'] }) },
      },
    );

    world.feedKeyed(['1', 'a']);
    await world.pass(5_000);

    expect(world.storage.deadLetters.letters[0]).toMatchObject({ errorChain: ['gone'], attempts: 2 });
    expect(world.broker.topic('out')).toHaveLength(1);
  });

  it('waits as long as it asks for', async () => {
    await world.start([
      world.handler(
        'h',
        failing('1', 2, () => new RetryAfterError(5_000)),
      ),
    ]);

    world.feedKeyed(['1', 'a'], ['2', 'b']);
    await world.pass(4_990);
    const early = callsOf('1').length;
    await world.pass(20);
    const second = callsOf('1').length;
    await world.pass(5_010);

    expect([early, second]).toEqual([1, 2]);
    expect(world.effects).toEqual(['h 2', 'h 1']);
  });

  it('holds up nothing with order: none, nor a key that has none', async () => {
    await world.start([
      world.handler('h', failing('1', 1), { order: 'none' }),
      world.handler('k', failing('5', 1)),
    ]);

    world.feedKeyed(['1', 'a'], ['2', 'a']);
    world.feed('5', '6');
    await world.pass();
    const meanwhile = [...world.effects];
    await world.pass(1_000);

    expect(meanwhile.toSorted()).toEqual(['h 2', 'h 5', 'h 6', 'k 1', 'k 2', 'k 6']);
    expect(world.effects.slice(meanwhile.length).toSorted()).toEqual(['h 1', 'k 5']);
  });

  it('holds up its partition with order: partition, also where the engine says so and the handler does not', async () => {
    await world.start([world.handler('h', failing('1', 2))], { order: 'partition' });

    world.feedKeyed(['1', 'a'], ['2', 'b']);
    await world.pass();
    const meanwhile = [...world.effects];
    await world.pass(1_000);

    expect(meanwhile).toEqual([]);
    expect(world.effects).toEqual(['h 1', 'h 2']);
    expect(world.log.some((line) => line.startsWith('parked'))).toBe(false);
  });

  it('is tried again in place, uncounted, where it is not to blame', async () => {
    const lost = () => new ExactlyOnceError('EO_STORAGE_UNAVAILABLE', 'gone');
    await world.start([world.handler('h', failing('1', 4, lost), { retry: { attempts: 2 } })]);

    world.feedKeyed(['1', 'a'], ['2', 'b']);
    await world.pass();
    const meanwhile = [...world.effects];
    await world.pass(60_000);

    expect(meanwhile).toEqual([]);
    expect(world.effects).toEqual(['h 1', 'h 2']);
  });

  it('waits uncounted for what is not its fault, is not given up for it, and health says so', async () => {
    let away = false;
    const fails = failing('1', 1);
    await world.start(
      [
        world.handler('h', (context) => {
          fails(context);
          if (away && context.id === '1') throw new ExactlyOnceError('EO_STORAGE_UNAVAILABLE', 'gone');
        }),
      ],
      { retry: { attempts: 2 } },
    );
    away = true;

    world.feedKeyed(['1', 'a'], ['2', 'b']);
    await world.pass(600_000);
    const calls = callsOf('1').length;
    const { retries } = world.engine.health().parts;
    away = false;
    await world.pass(60_000);

    expect(calls).toBeGreaterThan(5);
    expect(retries).toMatchObject({
      status: 'up',
      reason: expect.stringContaining('EO_STORAGE_UNAVAILABLE'),
    });
    expect(world.letters).toEqual([]);
    expect(world.effects).toEqual(['h 2', 'h 1']);
    expect(world.engine.health().parts['retries']).toEqual({ status: 'up' });
  });

  it('is not retried while the database cannot say what is due, which health says', async () => {
    const upcoming = world.storage.parked.upcoming.bind(world.storage.parked);
    await world.start([world.handler('h', failing('1', 1))]);
    world.storage.parked.upcoming = async () => {
      throw new Error('the table is locked');
    };

    world.feedKeyed(['1', 'a']);
    await world.pass(60_000);
    const { retries } = world.engine.health().parts;
    world.storage.parked.upcoming = upcoming;
    await world.pass(60_000);

    expect(retries).toEqual({ status: 'down', reason: 'Error: the table is locked' });
    expect(world.effects).toEqual(['h 1']);
    expect(world.engine.health().parts['retries']).toEqual({ status: 'up' });
  });

  it('asks an idle database less than once a second', async () => {
    await world.start([world.handler('h')]);
    await world.pass(10_000);
    let asked = 0;
    const upcoming = world.storage.parked.upcoming.bind(world.storage.parked);
    world.storage.parked.upcoming = (...given) => {
      asked++;
      return upcoming(...given);
    };

    await world.pass(60_000);

    expect(asked).toBeLessThan(60);
    expect(asked).toBeGreaterThan(0);
  });

  it('is counted as a retry and as a dead letter, and what it publishes once', async () => {
    const counted = new Map<string, number>();
    const telemetry = {
      count: (name: string, value: number) => void counted.set(name, (counted.get(name) ?? 0) + value),
      record: () => {},
      gauge: () => {},
      span: <T>(_name: unknown, _options: unknown, work: () => Promise<T>) => work(),
      current: () => ({ traceparent: null, tracestate: null }),
    };
    await world.start(
      [
        world.handler('h', () => {
          throw new Error('always');
        }),
      ],
      { retry: { attempts: 3 }, telemetry: telemetry as never },
    );

    world.feedKeyed(['1', 'a']);
    await world.pass(60_000);

    expect(counted.get('exactly_once.retries')).toBe(2);
    expect(counted.get('exactly_once.parked')).toBe(1);
    expect(counted.get('exactly_once.dead_letters')).toBe(1);
  });

  it('lets a slow retry hold up neither the partition nor what comes of its key', async () => {
    let goOn = () => {};
    const sign = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    let calls = 0;
    await world.start([
      world.handler('h', async ({ id }) => {
        if (id !== '1') return;
        if (++calls === 1) throw new Error('not yet');
        await sign;
      }),
    ]);

    world.feedKeyed(['1', 'a']);
    await world.pass(1_000);
    world.feedKeyed(['2', 'a'], ['3', 'b']);
    await world.pass(1_000);
    const meanwhile = [...world.effects];
    goOn();
    await world.pass();

    expect(calls).toBe(2);
    expect(meanwhile).toEqual(['h 1', 'h 3']);
    expect(world.effects).toEqual(['h 1', 'h 3', 'h 2']);
    expect(world.storage.parked.any).toBe(false);
  });
});
