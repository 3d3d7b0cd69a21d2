/**
 * One run without effects: from the first fetched records until the last event is committed, as the contestant's fence
 * says, or it itself where it has none. The inbox must hold each event and no other, nothing may wait or be dead, and the
 * handler must have been given each event once.
 */
import { until } from '../../services/ports.js';
import type { Contestant, Measured, Stage } from '../harness/benchmark.js';
import { onGround } from '../harness/ground.js';
import { countInbox, countParked, fencesStand, readLedger } from '../harness/ledger.js';
import { ordersUpTo, produce } from '../harness/produce-events.js';

/** Between two looks at four rows. */
const everyMs = 10;

export function taxRun(contestant: Contestant, stage: Stage): Promise<Measured> {
  const { events, kafka } = stage;
  return onGround(contestant, stage, async ({ database, topic, running, counted }) => {
    await produce(kafka, topic, ordersUpTo(1, events));
    const { process, tookMs, told } = await running(async (process) => {
      const committed = async () =>
        Number.isNaN(process.doneAtMs) ? ((await fencesStand(database)) ?? 0) : events;
      await counted(process, events, committed, { everyMs });
      const endMs = Number.isNaN(process.doneAtMs) ? Date.now() : process.doneAtMs;
      return { process, tookMs: endMs - process.startedAtMs, told: process.told.length };
    });
    await until(`${contestant.name} tells what it was given`, async () => process.told.length > told);
    const books = {
      records: await countInbox(database),
      parked: await countParked(database),
      deadLetters: (await readLedger(database)).deadLetters,
      handled: Number(process.told.at(-1)),
    };
    return { rate: (events * 1_000) / Math.max(tookMs, 1), findings: auditInbox(books, events) };
  });
}

interface InboxBooks {
  readonly records: number;
  readonly parked: number;
  readonly deadLetters: number;
  /** Events that the handler was given. */
  readonly handled: number;
}

/** Findings where there are no effects; the inbox's key lets no event in twice. */
export function auditInbox({ records, parked, deadLetters, handled }: InboxBooks, events: number): string[] {
  const found: string[] = [];
  if (records < events) found.push(`${events - records} lost`);
  if (records > events) found.push(`${records - events} that nobody sent`);
  if (handled !== events) found.push(`the handler was given ${handled}, not ${events}`);
  if (parked > 0) found.push(`${parked} wait`);
  if (deadLetters > 0) found.push(`${deadLetters} dead letters`);
  return found;
}
