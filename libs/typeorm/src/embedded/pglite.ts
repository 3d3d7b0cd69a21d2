/**
 * PGlite as it is used here: loaded when the first database is opened, and reduced to bytes in, bytes out.
 *
 * Its types end here. An engine that has thrown is dead: PGlite would spin for ever on the next request.
 */
import { ExactlyOnceError } from '@exactly-once/core';

/** The part of PGlite that is used. */
interface Pglite {
  runExclusive<T>(work: () => Promise<T>): Promise<T>;
  execProtocolRawStream(
    message: Uint8Array,
    options: { onRawData: (data: Uint8Array) => void },
  ): Promise<void>;
  close(): Promise<void>;
}

interface PgliteOptions {
  readonly postgresqlconf: string[];
  readonly onStderr: (text: string) => boolean;
}

type OpenPglite = (folder: string, options: PgliteOptions) => Promise<Pglite>;

/** With PostgreSQL's own 128 MB an opened database takes 400 MB; nothing is shared here. */
const settings = ['shared_buffers=16MB'];
/** Lines of PostgreSQL's log that a failure to open tells. */
const toldLines = 3;

export class Engine {
  /** Nobody may use it any more. */
  dead = false;

  private constructor(readonly pglite: Pglite) {}

  /** Throws EO_PACKAGE_MISSING, and EO_STORAGE_UNAVAILABLE where the data cannot be opened. */
  static async open(folder: string): Promise<Engine> {
    const openPglite = await load();
    const log: string[] = [];
    const onStderr = (text: string): boolean => {
      log.push(text);
      if (log.length > toldLines) log.shift();
      return false;
    };
    try {
      return new Engine(await openPglite(folder, { postgresqlconf: settings, onStderr }));
    } catch (cause) {
      const what = `the embedded database in ${folder} does not open; it said: ${log.join(' | ') || String(cause)}`;
      throw new ExactlyOnceError('EO_STORAGE_UNAVAILABLE', what, { cause });
    }
  }

  /** The answer to a chunk of requests. */
  async answer(requests: Buffer): Promise<Buffer> {
    if (this.dead) throw new ExactlyOnceError('EO_STORAGE_UNAVAILABLE', 'the embedded database has ended');
    const parts: Buffer[] = [];
    // Nothing is handed on from inside: what it leads to would run within PGlite's call.
    const onRawData = (data: Uint8Array) => void parts.push(Buffer.from(data));
    try {
      await this.pglite.runExclusive(() => this.pglite.execProtocolRawStream(requests, { onRawData }));
    } catch (cause) {
      this.dead = true;
      const what = 'the embedded database broke down and is opened again';
      throw new ExactlyOnceError('EO_STORAGE_UNAVAILABLE', what, { cause });
    }
    return Buffer.concat(parts);
  }

  async close(): Promise<void> {
    if (this.dead) return;
    this.dead = true;
    await this.pglite.close();
  }
}

async function load(): Promise<OpenPglite> {
  try {
    const { PGlite } = await import('@electric-sql/pglite');
    return (folder, options) => PGlite.create(folder, options);
  } catch (cause) {
    const what = 'the embedded database needs PGlite: npm install @electric-sql/pglite';
    throw new ExactlyOnceError('EO_PACKAGE_MISSING', what, { cause });
  }
}
