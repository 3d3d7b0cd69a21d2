/**
 * What became of a transaction whose COMMIT was not answered, asked on a new connection.
 *
 * The old backend may not have noticed yet that its client is gone: after a moment it is ended, so that the
 * answer is final. Never guesses: a database that cannot be asked leaves the outcome unknown.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode } from '@exactly-once/core';
import type { QueryRunner } from 'typeorm';
import { PostgresConnection } from './postgres-connection.js';
import { endOwnerSql, statusSql } from './transaction.sql.js';

/** How long, in milliseconds, and how often it is looked up. */
const patienceMs = 10_000;
const pollMs = 50;
/** After how many milliseconds of 'in progress' its backend is ended. */
const endOwnerAfterMs = 1_000;

export async function lookUpOutcome(
  createRunner: () => QueryRunner,
  transactionId: string,
): Promise<'committed' | 'rolled-back' | 'unknown'> {
  const startedAtMs = Date.now();
  let ended = false;
  while (Date.now() - startedAtMs < patienceMs) {
    const status = await ask(createRunner, statusSql, transactionId);
    if (status === 'committed') return 'committed';
    if (status === 'aborted') return 'rolled-back';
    if (status === 'in progress' && !ended && Date.now() - startedAtMs >= endOwnerAfterMs) {
      await ask(createRunner, endOwnerSql, transactionId);
      ended = true;
    }
    await sleep(pollMs);
  }
  return 'unknown';
}

/** `null` where the database could not be asked, or no longer knows. */
async function ask(createRunner: () => QueryRunner, sql: string, id: string): Promise<string | null> {
  let connection: PostgresConnection | null = null;
  try {
    connection = await PostgresConnection.open(createRunner);
    const { rows } = await connection.query(sql, [id]);
    return rows[0]?.status ?? null;
  } catch (error) {
    if (hasCode(error, 'EO_STORAGE_UNAVAILABLE')) return null;
    throw error;
  } finally {
    await connection?.release();
  }
}
