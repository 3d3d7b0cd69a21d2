/**
 * The one seam: `createQueryRunner` of one DataSource instance is replaced, so that repositories, query builders
 * and `dataSource.query` inside an event's context join its transaction. No prototype is patched.
 *
 * From a context whose event has ended it never falls back to a runner that would commit on its own. Several
 * storages on one DataSource share the replacement; the last to leave takes it out.
 */
import { type AmbientScope, ExactlyOnceError, type Scope } from '@exactly-once/core';
import type { DataSource, QueryRunner } from 'typeorm';
import { ambientRunner } from './ambient-runner.js';

interface Replacement {
  readonly original: DataSource['createQueryRunner'];
  /** Whether the original was the instance's own, or its class's. */
  readonly wasOwn: boolean;
  readonly scopes: Set<AmbientScope>;
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
    return replacements.get(this.#dataSource)?.scopes.has(this.#ambient) === true;
  }

  install(): void {
    const replacement = replacements.get(this.#dataSource) ?? replace(this.#dataSource);
    replacement.scopes.add(this.#ambient);
  }

  remove(): void {
    const replacement = replacements.get(this.#dataSource);
    if (replacement === undefined || !replacement.scopes.delete(this.#ambient)) return;
    if (replacement.scopes.size > 0) return;
    replacements.delete(this.#dataSource);
    if (replacement.wasOwn) this.#dataSource.createQueryRunner = replacement.original;
    else Reflect.deleteProperty(this.#dataSource, 'createQueryRunner');
  }
}

function replace(dataSource: DataSource): Replacement {
  const replacement: Replacement = {
    original: dataSource.createQueryRunner,
    wasOwn: Object.hasOwn(dataSource, 'createQueryRunner'),
    scopes: new Set(),
  };
  dataSource.createQueryRunner = (mode) => {
    for (const ambient of replacement.scopes) {
      const scope = ambient.current();
      if (scope !== undefined) return runnerOf(dataSource, scope);
    }
    return replacement.original.call(dataSource, mode);
  };
  replacements.set(dataSource, replacement);
  return replacement;
}

function runnerOf(dataSource: DataSource, scope: Scope): QueryRunner {
  if (scope.open && scope.transaction.state === 'open') return ambientRunner(dataSource, scope);
  const handler = scope.invocation?.context.handler ?? 'a transaction';
  const error = new ExactlyOnceError(
    'EO_TRANSACTION_ENDED',
    `${handler} used the database after its event had ended`,
  );
  scope.violation ??= error;
  throw error;
}
