/**
 * The tool's connection to a database: opened for one command, and closed whatever comes of that.
 *
 * Its messages name the place and the cause, and never the password.
 */
import { ExactlyOnceError } from '@exactly-once/core';
import { DataSource } from 'typeorm';

/** Milliseconds until a host that does not answer is given up. */
const connectTimeoutMs = 10_000;

/**
 * A connection to the database of a URL; to be destroyed by the caller. Throws EO_OPTION_INVALID for what is no
 * PostgreSQL URL, and an ordinary error where the database cannot be reached or refuses.
 */
export async function connect(url: string, poolSize = 1): Promise<DataSource> {
  const place = placeOf(url);
  const dataSource = new DataSource({
    type: 'postgres',
    url,
    poolSize,
    connectTimeoutMS: connectTimeoutMs,
    applicationName: 'exactly-once',
  });
  try {
    return await dataSource.initialize();
  } catch (cause) {
    throw new Error(`Cannot connect to ${place}: ${reasonOf(cause)}. Nothing was changed.`, { cause });
  }
}

/** The URL without its password and its parameters. */
function placeOf(url: string): string {
  if (!URL.canParse(url)) throw notPostgres('it is no URL');
  const { protocol, username, host, pathname } = new URL(url);
  if (!['postgres:', 'postgresql:'].includes(protocol)) throw notPostgres(`it begins with ${protocol}//`);
  return `${protocol}//${username === '' ? '' : `${username}@`}${host}${pathname}`;
}

function notPostgres(why: string): ExactlyOnceError {
  return new ExactlyOnceError(
    'EO_OPTION_INVALID',
    `--url or DATABASE_URL must be as postgres://user@host/name, but ${why}`,
  );
}

/** Node gives one error for each address of a host, and no message for all. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
