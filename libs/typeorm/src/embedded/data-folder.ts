/**
 * The folder of an embedded database: `pgdata` with PostgreSQL's files, `lock` with the sign of its owner, and
 * `unfinished` while the files are made for the first time.
 *
 * Touches nothing before the lock is taken, and deletes only what nobody has ever written to.
 */
import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ExactlyOnceError } from '@exactly-once/core';
import { FolderLock } from './folder-lock.js';

export class DataFolder {
  readonly #path: string;
  readonly #lock: FolderLock;

  private constructor(path: string, lock: FolderLock) {
    this.#path = path;
    this.#lock = lock;
  }

  /** Makes the folder where it is missing. Throws EO_FOLDER_IN_USE, EO_OPTION_INVALID. */
  static async take(path: string): Promise<DataFolder> {
    if (await exists(join(path, 'PG_VERSION'))) {
      const what = `${path} is itself a data directory of PostgreSQL; the embedded database needs a folder of its own`;
      throw new ExactlyOnceError('EO_OPTION_INVALID', what);
    }
    try {
      await mkdir(path, { recursive: true });
    } catch (cause) {
      throw new ExactlyOnceError('EO_OPTION_INVALID', `the folder ${path} cannot be made`, { cause });
    }
    return new DataFolder(path, await FolderLock.take(path));
  }

  /**
   * Opens the data. Files of a first start that was killed are made anew: nobody had written to them, for nobody is
   * let in before the mark is gone.
   */
  async fill<T>(open: (data: string) => Promise<T>): Promise<T> {
    const data = join(this.#path, 'pgdata');
    const unfinished = join(this.#path, 'unfinished');
    const isNew = (await exists(unfinished)) || !(await exists(data));
    if (!isNew) return open(data);
    await writeFile(unfinished, 'The files in pgdata are being made for the first time.\n');
    await rm(data, { recursive: true, force: true });
    const opened = await open(data);
    await rm(unfinished);
    return opened;
  }

  async release(): Promise<void> {
    await this.#lock.release();
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
