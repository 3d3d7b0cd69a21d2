/**
 * One run without effects: from the first fetched records to the transaction that recorded the last event. The inbox
 * alone is the book: it must hold each event, and no other, and nothing may wait or be dead.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contestant, Measured, Stage } from '../harness/benchmark.js';
import { onGround } from '../harness/ground.js';
import { countParked, inboxOf, readLedger } from '../harness/ledger.js';
import { ordersUpTo, produce } from '../harness/produce-events.js';

/** Between two looks: the time is taken by the database, and counting shall not cost the contestant much. */
const lookMs = 250;

export function taxRun(contestant: Contestant, stage: Stage): Promise<Measured> {
  const { events, kafka } = stage;
  return onGround(contestant, stage, async ({ database, topic, running, counted }) => {
    await produce(kafka, topic, ordersUpTo(1, events));
    const startedAtMs = await running(async (process) => {
      await counted(process, events, async () => {
        await sleep(lookMs);
        return (await inboxOf(database)).records;
      });
      return process.startedAtMs;
    });
    const { records, lastAtMs } = await inboxOf(database);
    const parked = await countParked(database);
    const { deadLetters } = await readLedger(database);
    const findings = auditInbox({ records, parked, deadLetters }, events);
    return { rate: (events * 1_000) / Math.max(lastAtMs - startedAtMs, 1), findings };
  });
}

interface InboxBooks {
  readonly records: number;
  readonly parked: number;
  readonly deadLetters: number;
}

/** Findings where there are no effects; the inbox's key lets no event in twice. */
export function auditInbox({ records, parked, deadLetters }: InboxBooks, events: number): string[] {
  const found: string[] = [];
  if (records < events) found.push(`${events - records} lost`);
  if (records > events) found.push(`${records - events} that nobody sent`);
  if (parked > 0) found.push(`${parked} wait`);
  if (deadLetters > 0) found.push(`${deadLetters} dead letters`);
  return found;
}
