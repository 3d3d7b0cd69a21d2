/**
 * pg with a pool that has ended when its connections have: pg's own does not wait for them.
 *
 * So, when a DataSource is destroyed, the folder is free and may be deleted or given to another process.
 */
import { createRequire } from 'node:module';
import type { Duplex } from 'node:stream';
import { ExactlyOnceError } from '@exactly-once/core';
import type pg from 'pg';

type Driver = typeof pg;
type Callback = (error?: Error) => void;

interface Options extends pg.PoolConfig {
  readonly stream: () => Duplex;
}

/** What TypeORM takes as its `driver`. Throws EO_PACKAGE_MISSING. */
export function embeddedDriver(): object {
  const driver = load();
  return Object.create(driver, {
    Pool: { value: poolOf(driver) },
    native: { value: undefined }, // pg-native has no stream
  }) as object;
}

function poolOf({ Pool }: Driver): typeof Pool {
  return class EmbeddedPool extends Pool {
    readonly #streams: Set<Duplex>;

    constructor(options: Options) {
      const streams = new Set<Duplex>();
      const stream = (): Duplex => {
        const one = options.stream();
        streams.add(one);
        return one.once('close', () => streams.delete(one));
      };
      super({ ...options, stream });
      this.#streams = streams;
    }

    override end(): Promise<void>;
    override end(callback: Callback): void;
    override end(callback?: Callback): Promise<void> | void {
      const ended = super.end().then(() => allClosed(this.#streams));
      if (callback === undefined) return ended;
      ended.then(() => callback(), callback);
    }
  } as typeof Pool;
}

async function allClosed(streams: ReadonlySet<Duplex>): Promise<void> {
  await Promise.all([...streams].map((stream) => new Promise((resolve) => stream.once('close', resolve))));
}

function load(): Driver {
  try {
    return createRequire(import.meta.url)('pg') as Driver;
  } catch (cause) {
    throw new ExactlyOnceError('EO_PACKAGE_MISSING', 'the embedded database needs pg: npm install pg', {
      cause,
    });
  }
}
