/**
 * What pg takes for the socket to a server: its requests go to a database inside this process.
 *
 * Requests of one transaction are answered without anybody else's between them. A stream that ends, however it
 * ends, leaves no transaction open and no place in the queue taken.
 */
import { Duplex } from 'node:stream';
import { ExactlyOnceError } from '@exactly-once/core';
import type { EmbeddedDatabase } from './embedded-database.js';
import type { Engine } from './pglite.js';
import {
  noEncryption,
  openingOf,
  requestsOf,
  rollbackRequest,
  type SessionStatus,
  statusAfter,
} from './wire-messages.js';

type Done = (error?: Error | null) => void;

export class EmbeddedStream extends Duplex {
  readonly #database: EmbeddedDatabase;
  readonly #busyTimeoutMs: number;
  #engine: Engine | null = null;
  #started = false;
  #status: SessionStatus | null = 'idle';
  /** What runs now; never rejects. */
  #running: Promise<void> = Promise.resolve();

  constructor(database: EmbeddedDatabase, busyTimeoutMs: number) {
    super({ allowHalfOpen: false });
    this.#database = database;
    this.#busyTimeoutMs = busyTimeoutMs;
  }

  /** As a socket's: emits `connect`, or ends with the error. Opens the database where no other stream has. */
  connect(): this {
    this.#running = this.#open().catch((error: Error) => void this.destroy(error));
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  override _read(): void {
    // answers are pushed as they come
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    const served = this.#serve(chunk);
    this.#running = served.catch(() => undefined);
    served.then(() => this.#database.breathe(done), done);
  }

  override _writev(chunks: readonly { chunk: Buffer }[], done: Done): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'binary', done);
  }

  override _final(done: Done): void {
    this.push(null);
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    const { gate } = this.#database;
    if (!gate.isHeldBy(this)) gate.leave(this); // what waits there ends now
    this.#leave().then(
      () => done(error),
      (failure: Error) => done(error ?? failure),
    );
  }

  async #open(): Promise<void> {
    this.#engine = await this.#database.attach(this);
    if (!this.destroyed) this.emit('connect');
  }

  async #serve(chunk: Buffer): Promise<void> {
    if (!this.#started) {
      const opening = openingOf(chunk);
      if (opening === 'encryption') return void this.push(noEncryption);
      if (opening === 'cancel') return void this.push(null); // its statement, if any, is over by now
      this.#started = true;
      return this.#answer(chunk);
    }
    const { requests, farewell } = requestsOf(chunk);
    if (requests.length > 0) await this.#answer(requests);
    if (!farewell) return;
    await this.#rollBack();
    this.push(null);
  }

  async #answer(requests: Buffer): Promise<void> {
    const { gate } = this.#database;
    await gate.enter(this, this.#busyTimeoutMs);
    if (this.destroyed) return;
    const response = await this.#ask(requests);
    if (this.#status === 'idle') gate.leave(this);
    if (!this.destroyed) this.push(response);
  }

  async #ask(requests: Buffer): Promise<Buffer> {
    const engine = this.#engine!;
    try {
      const response = await engine.answer(requests);
      this.#status = statusAfter(response);
      return response;
    } catch (error) {
      await this.#database.lost(engine, error as Error);
      throw error;
    }
  }

  async #leave(): Promise<void> {
    await this.#running;
    try {
      await this.#rollBack();
    } finally {
      this.#database.gate.leave(this);
      await this.#database.detach(this);
    }
  }

  /** A session that does not become idle again is of no use to the next one. */
  async #rollBack(): Promise<void> {
    const { gate } = this.#database;
    if (!gate.isHeldBy(this)) return;
    const engine = this.#engine!;
    if (this.#status !== 'idle' && !engine.dead) {
      const response = await this.#ask(rollbackRequest);
      if (statusAfter(response) !== 'idle') await this.#database.lost(engine, stuck());
    }
    gate.leave(this);
  }
}

function stuck(): ExactlyOnceError {
  const what = 'the embedded database could not roll back and is opened again';
  return new ExactlyOnceError('EO_STORAGE_UNAVAILABLE', what);
}
