/**
 * `exactly-once migrate`: creates or updates the framework's tables, or prints the SQL for somebody else to run.
 */
import { ExactlyOnceError } from '@exactly-once/core';
import { migrationSql, runMigrations, schemaVersion } from '@exactly-once/typeorm';
import { Command, Option } from 'commander';
import { DataSource } from 'typeorm';

interface MigrateOptions {
  readonly url?: string;
  readonly schema?: string;
  readonly print?: boolean;
}

export function migrateCommand(): Command {
  return new Command('migrate')
    .description('Creates or updates the tables. Safe to run twice, and by several at once.')
    .addOption(
      new Option('--url <url>', 'the database, for example postgres://user@host/name').env('DATABASE_URL'),
    )
    .option('--schema <name>', "schema of the tables; must exist (default: the connection's)")
    .option('--print', 'print the SQL and connect to nothing')
    .exitOverride()
    .action(migrateOrPrint);
}

async function migrateOrPrint({ url, schema, print }: MigrateOptions): Promise<void> {
  const options = schema === undefined ? {} : { schema };
  if (print) {
    process.stdout.write(migrationSql(options));
    return;
  }
  if (url === undefined) {
    throw new ExactlyOnceError('EO_OPTION_MISSING', 'migrate needs --url or DATABASE_URL, or --print');
  }
  const dataSource = new DataSource({ type: 'postgres', url, poolSize: 1 });
  try {
    await dataSource.initialize();
    const before = await runMigrations(dataSource, options);
    const done = before === schemaVersion ? 'were already at' : `went from version ${before} to`;
    process.stdout.write(`The tables ${done} version ${schemaVersion}.\n`);
  } finally {
    if (dataSource.isInitialized) await dataSource.destroy();
  }
}
