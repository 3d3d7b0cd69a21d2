/**
 * The one seam: `createQueryRunner` of one DataSource instance is replaced, so that repositories, query builders
 * and `dataSource.query` inside an event's context join its transaction. No prototype is patched.
 *
 * From a context whose event has ended it never falls back to a runner that would commit on its own, not even when
 * its storage has left: the replacement then stays, for those contexts alone. Several storages on one DataSource
 * share it; where none was ever used, the last to leave takes it out.
 */
import { type AmbientScope, ExactlyOnceError, type Scope } from '@exactly-once/core';
import type { DataSource, QueryRunner } from 'typeorm';
import { ambientRunner } from './ambient-runner.js';

interface Replacement {
  readonly original: DataSource['createQueryRunner'];
  /** Whether the original was the instance's own, or its class's. */
  readonly wasOwn: boolean;
  /** Storages that are open. */
  readonly installed: Set<AmbientScope>;
  /** Storages whose contexts may still run: the open ones, and those that left after a use. */
  readonly guarded: Set<AmbientScope>;
}

const replacements = new WeakMap<DataSource, Replacement>();

export class Seam {
  readonly #dataSource: DataSource;
  readonly #ambient: AmbientScope;

  constructor(dataSource: DataSource, ambient: AmbientScope) {
    this.#dataSource = dataSource;
    this.#ambient = ambient;
  }

  /** A runner that no ambient transaction captures. */
  readonly createFreeRunner = (): QueryRunner => {
    const create = replacements.get(this.#dataSource)?.original ?? this.#dataSource.createQueryRunner;
    return create.call(this.#dataSource, 'master');
  };

  /** False: users' writes would not join a transaction. */
  get installed(): boolean {
    return replacements.get(this.#dataSource)?.installed.has(this.#ambient) === true;
  }

  install(): void {
    const replacement = replacements.get(this.#dataSource) ?? replace(this.#dataSource);
    replacement.installed.add(this.#ambient);
    replacement.guarded.add(this.#ambient);
  }

  /** No transaction begins here any more. Contexts that have a scope keep their guard. */
  remove(): void {
    const replacement = replacements.get(this.#dataSource);
    if (replacement === undefined || !replacement.installed.delete(this.#ambient)) return;
    if (!this.#ambient.used) replacement.guarded.delete(this.#ambient);
    if (replacement.guarded.size > 0) return;
    replacements.delete(this.#dataSource);
    if (replacement.wasOwn) this.#dataSource.createQueryRunner = replacement.original;
    else Reflect.deleteProperty(this.#dataSource, 'createQueryRunner');
  }
}

function replace(dataSource: DataSource): Replacement {
  const replacement: Replacement = {
    original: dataSource.createQueryRunner,
    wasOwn: Object.hasOwn(dataSource, 'createQueryRunner'),
    installed: new Set(),
    guarded: new Set(),
  };
  dataSource.createQueryRunner = (mode) => {
    for (const ambient of replacement.guarded) {
      const scope = ambient.current();
      if (scope !== undefined) return runnerOf(dataSource, scope);
    }
    return replacement.original.call(dataSource, mode);
  };
  replacements.set(dataSource, replacement);
  return replacement;
}

function runnerOf(dataSource: DataSource, scope: Scope): QueryRunner {
  if (scope.transaction.noDatabase !== undefined) throw scope.transaction.noDatabase;
  if (scope.open && scope.transaction.state === 'open') return ambientRunner(dataSource, scope);
  const handler = scope.invocation?.handler.name ?? 'a transaction';
  const error = new ExactlyOnceError(
    'EO_TRANSACTION_ENDED',
    `${handler} used the database after its event had ended`,
  );
  scope.violation ??= error;
  throw error;
}
