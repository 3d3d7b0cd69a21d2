/**
 * An embedded database in a folder of its own: what the tests of the embedded storage share. It is emptied between
 * tests, not made anew: a first start takes seconds.
 */
import 'reflect-metadata';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Storage } from '@exactly-once/core';
import { type EmbeddedPostgresOptions, embeddedPostgres, storageOn } from '@exactly-once/typeorm';
import { DataSource, type EntityTarget, type ObjectLiteral } from 'typeorm';

interface Settings extends Omit<EmbeddedPostgresOptions, 'folder'> {
  readonly entities?: EntityTarget<ObjectLiteral>[];
}

export class EmbeddedWorld {
  readonly #sources: DataSource[] = [];
  readonly #storages: Storage[] = [];

  private constructor(readonly folder: string) {}

  static async open(prefix: string): Promise<EmbeddedWorld> {
    return new EmbeddedWorld(await mkdtemp(join(tmpdir(), `${prefix}-`)));
  }

  async dataSource({ entities = [], ...options }: Settings = {}): Promise<DataSource> {
    const source = new DataSource({
      ...embeddedPostgres({ folder: this.folder, ...options }),
      entities: entities as never[],
      poolErrorHandler: () => undefined, // connections are cut on purpose; the pool opens others
    });
    await source.initialize();
    this.#sources.push(source);
    return source;
  }

  async storage(source: DataSource): Promise<Storage> {
    const storage = storageOn(source, { migrate: true });
    await storage.open();
    this.#storages.push(storage);
    return storage;
  }

  /** Closes the storages and drops every table. */
  async empty(): Promise<void> {
    for (const storage of this.#storages.splice(0)) await storage.close();
    const source = this.#sources.find(({ isInitialized }) => isInitialized);
    await source?.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  }

  async close(): Promise<void> {
    for (const storage of this.#storages) await storage.close();
    for (const source of this.#sources) if (source.isInitialized) await source.destroy();
    await rm(this.folder, { recursive: true, force: true });
  }
}
