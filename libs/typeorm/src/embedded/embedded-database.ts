/**
 * One embedded database of this process: open while a stream uses it, closed when the last one is gone.
 *
 * All streams share its one session, through the gate. Opening and closing follow each other: the folder's lock is
 * never given back before the data is closed, and a stream that has ended has nothing open any more.
 */
import { DataFolder } from './data-folder.js';
import { Engine } from './pglite.js';
import { SessionGate } from './session-gate.js';

interface Opened {
  readonly engine: Engine;
  /** `null` in memory. */
  readonly folder: DataFolder | null;
}

interface User {
  destroy(error?: Error): unknown;
}

/** Milliseconds after which timers and sockets get their turn between two answers. */
const breathEveryMs = 8;

export class EmbeddedDatabase {
  readonly gate = new SessionGate();
  /** `null`: in memory, and kept as long as somebody refers to this object. */
  readonly #folder: string | null;
  readonly #users = new Set<User>();
  #opened: Promise<Opened> | null = null;
  #closed: Promise<void> = Promise.resolve();
  #lastBreathMs = 0;

  constructor(folder: string | null) {
    this.#folder = folder;
  }

  /** Throws EO_FOLDER_IN_USE, EO_PACKAGE_MISSING, EO_OPTION_INVALID, EO_STORAGE_UNAVAILABLE. */
  async attach(user: User): Promise<Engine> {
    this.#users.add(user);
    this.#opened ??= this.#closed.then(() => this.#open());
    const opened = this.#opened;
    try {
      return (await opened).engine;
    } catch (error) {
      this.#users.delete(user);
      if (this.#opened === opened) this.#opened = null;
      throw error;
    }
  }

  /** Resolves when `user` has no part in it any more; for the last one when all is closed. */
  async detach(user: User): Promise<void> {
    if (!this.#users.delete(user) || this.#users.size > 0 || this.#folder === null) return;
    await this.#close();
  }

  /** An engine that broke down takes its streams along; the next one opens it anew, with what was committed. */
  async lost(engine: Engine, reason: Error): Promise<void> {
    engine.dead = true;
    const current = await this.#opened?.catch(() => null);
    if (current?.engine !== engine) return;
    const users = [...this.#users];
    this.#users.clear();
    const closed = this.#close();
    for (const user of users) user.destroy(reason);
    await closed;
  }

  /** Calls back at once, or after timers and sockets had their turn: an answer takes no time that they could have. */
  breathe(callback: () => void): void {
    if (performance.now() - this.#lastBreathMs < breathEveryMs) {
      callback();
      return;
    }
    setImmediate(() => {
      this.#lastBreathMs = performance.now();
      callback();
    });
  }

  async #open(): Promise<Opened> {
    if (this.#folder === null) return { engine: await Engine.open('memory://'), folder: null };
    const folder = await DataFolder.take(this.#folder);
    try {
      return { engine: await folder.fill((path) => Engine.open(path)), folder };
    } catch (error) {
      await folder.release();
      throw error;
    }
  }

  #close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    this.#closed = closing(opened);
    return this.#closed;
  }
}

async function closing(opened: Promise<Opened> | null): Promise<void> {
  const { engine, folder } = (await opened?.catch(() => null)) ?? { engine: null, folder: null };
  try {
    await engine?.close();
  } finally {
    await folder?.release();
  }
}
