/**
 * `exactly-once migrate`: creates or updates the framework's tables, or prints the SQL for somebody else to run.
 * Runs before the first event and before each release that changes the schema; never removes a row.
 */
import { ExactlyOnceError } from '@exactly-once/core';
import { migrationSql, runMigrations, schemaVersion } from '@exactly-once/typeorm';
import { Command, Option } from 'commander';
import { connect } from './connect.js';

interface MigrateOptions {
  readonly url?: string;
  readonly defaultUrl?: string;
  readonly schema?: string;
  readonly print?: boolean;
}

const examples = `
Examples:
  exactly-once migrate --url postgres://owner:secret@db.example/payments
  DATABASE_URL=postgres://owner@localhost/payments exactly-once migrate --schema events
  exactly-once migrate --print > eo.sql

The role needs the right to create tables here, and only here: the application's own role does not.`;

const insufficientPrivilege = '42501';

export function migrateCommand(): Command {
  return new Command('migrate')
    .summary('create or update the tables')
    .description('Creates or updates the tables. Safe to run twice, and by several at once.')
    .addOption(
      new Option('--url <url>', 'the database, as postgres://user:password@host:port/name').env(
        'DATABASE_URL',
      ),
    )
    .option('--default-url <url>', 'the database where neither --url nor DATABASE_URL names one')
    .option('--schema <name>', "schema of the tables; must exist (default: the role's search path)")
    .option('--print', 'print the SQL and connect to nothing')
    .addHelpText('after', examples)
    .showHelpAfterError('Run "exactly-once help migrate" for help.')
    .allowExcessArguments(false)
    .exitOverride()
    .action(migrateOrPrint);
}

async function migrateOrPrint({
  defaultUrl,
  url = defaultUrl,
  schema,
  print,
}: MigrateOptions): Promise<void> {
  const options = schema === undefined ? {} : { schema };
  const sql = migrationSql(options); // refuses a name that is none before anything is connected
  if (print) {
    process.stdout.write(sql);
    return;
  }
  if (url === undefined) {
    throw new ExactlyOnceError('EO_OPTION_MISSING', 'migrate needs --url or DATABASE_URL, or --print');
  }
  const dataSource = await connect(url);
  try {
    process.stdout.write(`${outcome(await runMigrations(dataSource, options))}\n`);
  } catch (cause) {
    throw sqlStateOf(cause) === insufficientPrivilege ? new Error(forbidden(cause), { cause }) : cause;
  } finally {
    await dataSource.destroy();
  }
}

function outcome(before: number): string {
  if (before === 0) return `The tables were created, at version ${schemaVersion}.`;
  if (before === schemaVersion) return `The tables were already at version ${schemaVersion}.`;
  if (before < schemaVersion) return `The tables went from version ${before} to ${schemaVersion}.`;
  return `The tables are at version ${before}, newer than this tool's ${schemaVersion}. Nothing was changed.`;
}

/** By the database's own code, however the error was wrapped. */
function sqlStateOf(error: unknown): unknown {
  const { code, driverError, cause } = error as { code?: unknown; driverError?: unknown; cause?: unknown };
  const inner = driverError ?? cause;
  return inner instanceof Error ? sqlStateOf(inner) : code;
}

function forbidden(cause: unknown): string {
  const said = cause instanceof Error ? cause.message : String(cause);
  return `${said}. Nothing was changed. Use a role that may create tables, or give it the SQL of --print.`;
}
