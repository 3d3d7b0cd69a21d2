/**
 * Reads single words of a command line.
 *
 * Each throws what commander prints, with exit code 2, for a word that is none.
 */
import { userInfo } from 'node:os';
import { ExactlyOnceError } from '@exactly-once/core';
import { InvalidArgumentError } from 'commander';

/** Of PostgreSQL's bigint. */
const mostPosition = 2n ** 63n - 1n;

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export function position(text: string): bigint {
  if (/^[0-9]{1,19}$/.test(text) && BigInt(text) <= mostPosition) return BigInt(text);
  throw new InvalidArgumentError('It is no position of a row.');
}

/** Of an argument that may be repeated. */
export function positions(text: string, before: readonly bigint[] = []): readonly bigint[] {
  return [...before, position(text)];
}

export function positive(text: string): number {
  if (!/^[1-9][0-9]{0,5}$/.test(text)) throw new InvalidArgumentError('It is no number from 1 to 999,999.');
  return Number(text);
}

/** A time by ISO 8601, or how long ago: `90m`, `24h`, `7d`. Milliseconds since the epoch. */
export function time(text: string): number {
  const [, number, unit] = /^([0-9]{1,6})([smhd])$/.exec(text) ?? [];
  if (number !== undefined) return Date.now() - Number(number) * unitMs[unit!]!;
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms))
    throw new InvalidArgumentError('It is no time: 2026-01-31T12:00:00Z, or 24h for that long ago.');
  return ms;
}

export function userName(): string {
  try {
    return userInfo().username;
  } catch (cause) {
    throw new ExactlyOnceError('EO_OPTION_MISSING', 'this process has no user name: say --by', { cause });
  }
}
