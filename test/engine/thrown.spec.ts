import { errorTable, type Logger } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryWorld } from './memory-world.js';

const retry = { attempts: 2 };

/** As an error of a second copy of the package: the brand, and no class in common. */
class OtherCopy extends Error {
  readonly details = {};

  constructor(
    readonly code: keyof typeof errorTable,
    readonly delayMs?: number,
  ) {
    super('from another copy');
    Object.defineProperty(this, Symbol.for('@exactly-once/error'), { value: true });
  }

  get outcome(): string {
    return errorTable[this.code].outcome;
  }
}

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

describe('what a handler throws', () => {
  let world: MemoryWorld;

  beforeEach(() => {
    world = new MemoryWorld();
  });

  afterEach(async () => {
    await world.stop();
  });

  it.each<[string, () => unknown]>([
    ['null', () => null],
    ['undefined', () => undefined],
    ['a text', () => 'no'],
    ['a symbol', () => Symbol('no')],
    ['an object without a prototype', () => Object.create(null)],
    [
      'an object that cannot be a text',
      () => ({
        toString: () => {
          throw new Error('not me');
        },
      }),
    ],
    [
      'an error that hides its message',
      () =>
        Object.defineProperty(new Error(), 'message', {
          get: () => {
            throw new Error('hidden');
          },
        }),
    ],
    ['a revoked proxy', revoked],
  ])(
    'may be %s: that event is dead-lettered after its attempts, its neighbours are handled',
    async (_, make) => {
      await world.start([
        world.handler(
          'h',
          ({ id }) => {
            if (id === '2') throw make();
          },
          { retry },
        ),
      ]);

      world.feed('1', '2', '3');
      await world.pass(60_000);

      expect(world.effects).toEqual(['h 1', 'h 3']);
      expect(world.letters).toEqual(['h EO_HANDLER_FAILED 2']);
      expect(world.calls.filter((call) => call === 'h 2')).toHaveLength(2);
      expect(world.storage.deadLetters.letters[0]?.errorChain[0]).toMatch(/./);
    },
  );

  it('is recognised where it comes from another copy of the package', async () => {
    const errors = [
      ...Array.from({ length: 8 }, () => new OtherCopy('EO_STORAGE_UNAVAILABLE')),
      new OtherCopy('EO_RETRY_AFTER', 5_000),
    ];
    const calls: number[] = [];
    await world.start([
      world.handler(
        'h',
        () => {
          calls.push(world.clock.now());
          const error = errors.shift();
          if (error !== undefined) throw error;
        },
        { retry },
      ),
    ]);

    world.feed('1');
    await world.pass(600_000);

    expect(world.effects).toEqual(['h 1']);
    expect(world.letters).toEqual([]);
    expect(calls.at(-1)! - calls.at(-2)!).toBe(5_000);
  });

  it('does not hold up its partition where the log of it throws, too', async () => {
    const fail = () => {
      throw new Error('the log is full');
    };
    const logger: Logger = { error: () => {}, warn: fail, info: () => {}, debug: fail };
    await world.start(
      [
        world.handler(
          'h',
          ({ id }) => {
            if (id === '2') throw new Error('always');
          },
          { retry },
        ),
      ],
      { logger },
    );

    world.feed('1', '2', '3');
    await world.pass(60_000);

    expect(world.effects).toEqual(['h 1', 'h 3']);
    expect(world.letters).toEqual(['h EO_HANDLER_FAILED 2']);
    expect(world.calls.filter((call) => call === 'h 2')).toHaveLength(2);
  });
});
