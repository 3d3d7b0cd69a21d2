/**
 * Reads what a run left behind: write-ahead record, ledger, dead letters, inbox, and the output topic as an
 * independent client sees it.
 */
import { inboxKey } from '@exactly-once/core';
import type { TestDatabase } from '../../services/postgres.js';
import type { BrokerGround } from '../broker/broker-ground.js';
import {
  type Attempt,
  type DeadLetterSeen,
  type Effect,
  type InboxEntry,
  nobody,
  type Observation,
} from '../oracles/observation.js';
import { fingerprint } from '../record/message.js';
import type { Written } from '../worker/ledger.js';
import { outputType } from '../worker/worker-plan.js';
import { countersSeenSql, deadLettersSql, effectsSql, inboxKeysSql, parkedSql } from './observe.sql.js';
import { recordedAttempts } from './recorded-attempts.js';

export interface ObservedRun {
  readonly folder: string;
  readonly database: TestDatabase;
  readonly broker: BrokerGround;
  /** By type. */
  readonly topics: Readonly<Record<string, string>>;
  readonly handlers: readonly string[];
  readonly stuck: readonly string[];
  /** Messages whose copy may be published once more, under the ids of the first. */
  readonly mayComeAgain: ReadonlySet<string>;
}

/** Service of the workers that handle. */
export const consumingService = 'ledger';

export async function observe(run: ObservedRun): Promise<Observation> {
  const attempts = recordedAttempts(run.folder);
  const [first, second, outputs, letters, counters] = await Promise.all([
    effects(run, 'effect_one'),
    effects(run, 'effect_two'),
    dumpedOutputs(run),
    deadLetters(run),
    run.database.query(countersSeenSql),
  ]);
  return {
    attempts,
    first,
    second,
    outputs,
    deadLetters: letters,
    counters: counters.map(({ handler, key, v }) => ({ handler, key, value: v })),
    inbox: await inboxEntries(run, attempts, first),
    stuck: run.stuck,
  };
}

async function effects({ database }: ObservedRun, table: 'effect_one' | 'effect_two'): Promise<Effect[]> {
  const rows = await database.query(effectsSql(table));
  return rows.map((row) => ({ ...row, position: Number(row.position) }));
}

async function dumpedOutputs({ broker, topics }: ObservedRun): Promise<Observation['outputs']> {
  const records = await broker.dump(topics[outputType]!);
  return records.map(({ value, headers }) => {
    const { handler, message } = JSON.parse(value!) as Written;
    return { handler, message, outputId: headers['ce_id'] ?? 'missing' };
  });
}

export async function deadLetters({ database }: ObservedRun): Promise<DeadLetterSeen[]> {
  const rows = [...(await database.query(deadLettersSql)), ...(await database.query(parkedSql))];
  return rows.map(({ handler, body, code }) => ({
    handler: handler ?? nobody,
    message: fingerprint(body ?? ''),
    code,
  }));
}

/** Looks for the record of each identity that was produced or handled; the keys are made as the product makes them. */
export async function inboxEntries(
  { database, handlers }: ObservedRun,
  attempts: readonly Attempt[],
  seen: readonly Effect[],
): Promise<InboxEntry[]> {
  const identities = [
    ...attempts.flatMap(({ source, id, fates }) =>
      Object.keys(fates).map((handler) => ({ handler, source, id })),
    ),
    ...seen,
  ];
  const wanted = identities.flatMap(({ handler, source, id }) => {
    if (id === null || !(handlers.includes(handler) || handler === nobody)) return [];
    const text = Buffer.from(id, 'hex').toString();
    const identity = handler === nobody ? `${consumingService}/${nobody}` : handler;
    const key = Buffer.from(inboxKey(identity, 1, source, text)).toString('hex');
    return [{ key, entry: { handler, source, id } }];
  });
  const rows = await database.query(inboxKeysSql, [[...new Set(wanted.map(({ key }) => key))]]);
  const recorded = new Set(rows.map(({ key }) => key));
  return wanted.flatMap(({ key, entry }) => (recorded.has(key) ? [entry] : []));
}
