/**
 * One run over an inbox of growing size: a consumer in batches, whose work is the inbox above all, and which is warm, meets
 * fresh events at each size. It stands still while they are produced and while the inbox is filled. Its figure is the rate
 * at the largest size; the others stand beside it.
 */
import { randomUUID } from 'node:crypto';
import type { Contestant, Measured, Series, Stage } from '../harness/benchmark.js';
import type { ContestantProcess } from '../harness/contestant-process.js';
import { type Ground, onGround, passed } from '../harness/ground.js';
import { readLedger } from '../harness/ledger.js';
import { orderMessage, produce } from '../harness/produce-events.js';
import { fillRandomSql, fillTimeOrderedSql } from './fill-inbox.sql.js';
import { auditCycle, type Plan, plans } from './growth-plan.js';

const rowsAtOnce = 1_000_000;
/** Between two looks at four rows. */
const everyMs = 10;

export function growthRun(contestant: Contestant, stage: Stage): Promise<Measured> {
  return onGround(contestant, stage, async (ground) => {
    const series: Series[number][] = [];
    const findings: string[] = [];
    await ground.running(async (process) => {
      const rounds = new Rounds(ground, process, contestant.name === 'random');
      await rounds.next(1, stage.events); // it is warm then, and its handler is known when the inbox is filled
      for (const plan of plans(stage.events, stage.rows)) {
        const tookMs = await grown(ground, rounds, plan, findings);
        const events = plan.cycles * plan.roundsOfCycle * plan.eventsOfRound;
        series.push([plan.size, (events * 1_000) / tookMs]);
      }
    });
    const figures = Object.fromEntries(series.map(([rows, rate]) => [`@${rows}`, rate]));
    return { rate: series.at(-1)![1], findings, figures, series };
  });
}

/** Milliseconds of all rounds at a size. */
async function grown(ground: Ground, rounds: Rounds, plan: Plan, findings: string[]): Promise<number> {
  let tookMs = 0;
  for (let cycle = 0; cycle < plan.cycles; cycle++) {
    await fill(ground, rounds.random ? fillRandomSql : fillTimeOrderedSql, plan.filled);
    for (let round = 0; round < plan.roundsOfCycle; round++) {
      tookMs += await rounds.next(round * plan.eventsOfRound + 1, plan.eventsOfRound);
    }
    findings.push(...auditCycle(await readLedger(ground.database), plan));
  }
  return tookMs;
}

/** Events that are handled one round after another by one process. */
class Rounds {
  #produced = 0;

  constructor(
    readonly ground: Ground,
    readonly process: ContestantProcess,
    /** Whether ids carry no time. */
    readonly random: boolean,
  ) {}

  /**
   * Produces `events` orders from `first` on, and lets them be handled. Milliseconds from when the process may run, for the
   * first time from its first records, to the last effect.
   */
  async next(first: number, events: number): Promise<number> {
    const { stage, database, topic, counted } = this.ground;
    const orders = Array.from({ length: events }, (_, at) =>
      orderMessage(first + at, this.random ? randomUUID() : undefined),
    );
    this.process.pause();
    let startedAtMs: number;
    try {
      await produce(stage.kafka, topic, orders);
    } finally {
      startedAtMs = Date.now();
      this.process.resume();
    }
    this.#produced += events;
    await counted(this.process, this.#produced, () => passed(this.ground), { everyMs });
    const missing = this.#produced - (await passed(this.ground));
    if (missing > 0) throw new Error(`${missing} records not passed`);
    const { lastEffectAtMs } = await readLedger(database);
    return Math.max(lastEffectAtMs - startedAtMs, 1);
  }
}

/** So many rows and no others, no effects, and what the filling left to write is written. Nobody works meanwhile. */
async function fill({ stage, database }: Ground, sql: string, rows: number): Promise<void> {
  const nowMs = Date.now();
  await database.query('TRUNCATE eo_inbox, effect');
  for (let from = 1; from <= rows; from += rowsAtOnce) {
    stage.interrupted.throwIfAborted();
    await database.query(sql, [from, Math.min(from + rowsAtOnce - 1, rows), nowMs]);
  }
  await database.query('VACUUM ANALYZE eo_inbox');
  await database.query('CHECKPOINT');
}
