/**
 * One run over duplicates alone: the contestant handles all events; they are produced once more, with the same ids;
 * then a second process of it, which remembers nothing, meets them. Only the second one counts: from its first
 * fetched records to the position behind the last, asked for every 50 ms. No effect may have been added.
 */
import type { Contestant, Measured, Stage } from './harness/benchmark.js';
import { allHandled, onGround, passed } from './harness/ground.js';
import { auditLedger, readLedger } from './harness/ledger.js';
import { orderMessages, produce } from './harness/produce-events.js';

export function duplicatesRun(contestant: Contestant, stage: Stage): Promise<Measured> {
  const { events, kafka } = stage;
  return onGround(contestant, stage, async (ground) => {
    const orders = orderMessages(events);
    await produce(kafka, ground.topic, orders);
    await allHandled(ground);
    await produce(kafka, ground.topic, orders);
    const tookMs = await ground.running(async (process) => {
      await ground.counted(process, 2 * events, () => passed(ground));
      return Date.now() - process.startedAtMs;
    });
    const missing = 2 * events - (await passed(ground));
    const findings = auditLedger(await readLedger(ground.database), events);
    if (missing > 0) findings.push(`${missing} records not passed`);
    return { rate: (events * 1_000) / Math.max(tookMs, 1), findings };
  });
}
