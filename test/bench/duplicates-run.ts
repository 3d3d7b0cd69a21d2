/**
 * One run over duplicates alone: the contestant handles all events; they are produced once more, with the same ids; then a
 * second process of it, which remembers nothing, meets them. Both are timed alike, from their first fetched records to the
 * position behind the last; the figure is the second's. No effect may have been added.
 */
import type { Contestant, Measured, Stage } from './harness/benchmark.js';
import { type Ground, onGround, passed } from './harness/ground.js';
import { auditLedger, readLedger } from './harness/ledger.js';
import { orderMessages, produce } from './harness/produce-events.js';

/** Between two looks at four rows. */
const everyMs = 10;

export function duplicatesRun(contestant: Contestant, stage: Stage): Promise<Measured> {
  const { events, kafka } = stage;
  return onGround(contestant, stage, async (ground) => {
    const orders = orderMessages(events);
    await produce(kafka, ground.topic, orders);
    const freshMs = await passedMs(ground, events);
    await produce(kafka, ground.topic, orders);
    const tookMs = await passedMs(ground, 2 * events);
    const missing = 2 * events - (await passed(ground));
    const findings = auditLedger(await readLedger(ground.database), events);
    if (missing > 0) findings.push(`${missing} records not passed`);
    const rate = (ms: number) => (events * 1_000) / Math.max(ms, 1);
    return { rate: rate(tookMs), findings, figures: { fresh: rate(freshMs) } };
  });
}

/** Milliseconds of a process of its own up to the position. */
function passedMs(ground: Ground, position: number): Promise<number> {
  return ground.running(async (process) => {
    await ground.counted(process, position, () => passed(ground), { everyMs });
    return Date.now() - process.startedAtMs;
  });
}
