/**
 * One run over an inbox that grows: a consumer in batches, whose work is the inbox above all, meets fresh events at each
 * size. The filling does not count. Its figure is the rate at the largest size; the others stand beside it.
 */
import { randomUUID } from 'node:crypto';
import type { TestDatabase } from '../../services/postgres.js';
import type { Contestant, Measured, Series, Stage } from '../harness/benchmark.js';
import { type Ground, onGround } from '../harness/ground.js';
import { auditLedger, countEffects, readLedger } from '../harness/ledger.js';
import { orderMessage, produce } from '../harness/produce-events.js';
import { fillRandomSql, fillTimeOrderedSql } from './fill-inbox.sql.js';

const rowsAtOnce = 1_000_000;
const sizes = [1_000, 10_000, 100_000, 1_000_000, 10_000_000];

export function growthRun(contestant: Contestant, stage: Stage): Promise<Measured> {
  const upTo = stage.rows ?? Number.POSITIVE_INFINITY;
  const due = sizes.filter((size) => size <= upTo);
  if (due.length === 0) due.push(upTo);
  return onGround(contestant, stage, async (ground) => {
    const random = contestant.name === 'random';
    const series: Series[number][] = [];
    let rounds = 0;
    const next = () => consumed(ground, rounds++ * stage.events, random);
    await next(); // so that its handler is known when the inbox is filled
    let filled = 0;
    for (const size of due) {
      await fill(ground, random ? fillRandomSql : fillTimeOrderedSql, filled + 1, size);
      filled = size;
      series.push([size, (stage.events * 1_000) / (await next())]);
    }
    const ledger = await readLedger(ground.database);
    const findings = auditLedger(
      { ...ledger, inboxRecords: ledger.inboxRecords - filled },
      rounds * stage.events,
    );
    const figures = Object.fromEntries(series.map(([rows, rate]) => [`@${rows}`, rate]));
    return { rate: series.at(-1)![1], findings, figures, series };
  });
}

/** Milliseconds from the first fetched of the next orders, those after `before`, to the last of their effects. */
async function consumed(ground: Ground, before: number, random: boolean): Promise<number> {
  const { stage, database, topic, running, counted } = ground;
  const last = before + stage.events;
  const orders = Array.from({ length: stage.events }, (_, at) =>
    orderMessage(before + at + 1, random ? randomUUID() : undefined),
  );
  await produce(stage.kafka, topic, orders);
  const startedAtMs = await running(async (process) => {
    await counted(process, last, () => countEffects(database));
    return process.startedAtMs;
  });
  const { lastEffectAtMs } = await readLedger(database);
  return Math.max(lastEffectAtMs - startedAtMs, 1);
}

/** Rows `first` to `last`, and what the filling left to write is written. */
async function fill({ stage, database }: Ground, sql: string, first: number, last: number): Promise<void> {
  const nowMs = Date.now();
  for (let from = first; from <= last; from += rowsAtOnce) {
    stage.interrupted.throwIfAborted();
    await database.query(sql, [from, Math.min(from + rowsAtOnce - 1, last), nowMs]);
  }
  await settled(database);
}

async function settled(database: TestDatabase): Promise<void> {
  await database.query('VACUUM ANALYZE eo_inbox');
  await database.query('CHECKPOINT');
}
