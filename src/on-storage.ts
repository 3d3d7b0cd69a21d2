/**
 * What the tool's commands on a database share: the words that say which, and its storage for as long as one command
 * takes. Opens what is there and migrates nothing.
 */
import { ExactlyOnceError, type Storage } from '@exactly-once/core';
import { storageOn } from '@exactly-once/typeorm';
import { Command, Option } from 'commander';
import { connect } from './connect.js';

export interface PlaceOptions {
  readonly url?: string;
  readonly schema?: string;
  readonly json?: boolean;
}

/** A command that is told its database, and whether a program reads what it prints. `words`: how it is called. */
export function databaseCommand(words: string): Command {
  const name = words.split(' ').at(-1)!;
  return new Command(name)
    .addOption(
      new Option('--url <url>', 'the database, as postgres://user:password@host:port/name').env(
        'DATABASE_URL',
      ),
    )
    .option('--schema <name>', "schema of the tables (default: the role's search path)")
    .option('--json', 'print JSON, for programs')
    .showHelpAfterError(`Run "exactly-once ${words} --help" for help.`)
    .allowExcessArguments(false)
    .exitOverride();
}

/** Throws EO_OPTION_MISSING where no database is named, and closes what it opened whatever comes of `work`. */
export async function onStorage<T>(
  command: string,
  { url, schema }: PlaceOptions,
  work: (storage: Storage) => Promise<T>,
): Promise<T> {
  if (url === undefined)
    throw new ExactlyOnceError('EO_OPTION_MISSING', `${command} needs --url or DATABASE_URL`);
  const dataSource = await connect(url);
  try {
    const storage = storageOn(dataSource, schema === undefined ? {} : { schema });
    await storage.open();
    try {
      return await work(storage);
    } finally {
      await storage.close();
    }
  } finally {
    await dataSource.destroy();
  }
}
