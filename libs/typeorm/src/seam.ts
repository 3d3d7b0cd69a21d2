/**
 * The one seam: `createQueryRunner` of one DataSource instance is replaced, so that repositories, query builders
 * and `dataSource.query` inside an event's context join its transaction. No prototype is patched.
 *
 * From a context whose event has ended it never falls back to a runner that would commit on its own.
 */
import { type AmbientScope, ExactlyOnceError } from '@exactly-once/core';
import type { DataSource, QueryRunner } from 'typeorm';
import { ambientRunner } from './ambient-runner.js';

export class Seam {
  readonly #dataSource: DataSource;
  readonly #ambient: AmbientScope;
  #original: DataSource['createQueryRunner'] | null = null;

  constructor(dataSource: DataSource, ambient: AmbientScope) {
    this.#dataSource = dataSource;
    this.#ambient = ambient;
  }

  /** A runner that no ambient transaction captures. */
  readonly createFreeRunner = (): QueryRunner => {
    const create = this.#original ?? this.#dataSource.createQueryRunner;
    return create.call(this.#dataSource, 'master');
  };

  install(): void {
    if (this.#original !== null) return;
    const original = this.#dataSource.createQueryRunner;
    this.#original = original;
    this.#dataSource.createQueryRunner = (mode) =>
      this.#ambientRunner() ?? original.call(this.#dataSource, mode);
  }

  remove(): void {
    if (this.#original === null) return;
    this.#dataSource.createQueryRunner = this.#original;
    this.#original = null;
  }

  #ambientRunner(): QueryRunner | null {
    const scope = this.#ambient.current();
    if (scope === undefined) return null;
    if (scope.open && scope.transaction.state === 'open') return ambientRunner(this.#dataSource, scope);
    const handler = scope.invocation?.context.handler ?? 'a transaction';
    const error = new ExactlyOnceError(
      'EO_TRANSACTION_ENDED',
      `${handler} used the database after its event had ended`,
    );
    scope.violation ??= error;
    throw error;
  }
}
