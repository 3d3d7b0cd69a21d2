/**
 * One run of a consumer: its topic is filled before it starts; then its books. Measured from the first fetched
 * records to the last effect, so joining the group and starting up do not count.
 */
import type { Contestant, Measured, Stage } from './harness/benchmark.js';
import { allHandled, onGround } from './harness/ground.js';
import { auditLedger, readLedger } from './harness/ledger.js';
import { orderMessages, produce } from './harness/produce-events.js';

export function consumeRun(contestant: Contestant, stage: Stage): Promise<Measured> {
  const { events, kafka } = stage;
  return onGround(contestant, stage, async (ground) => {
    await produce(kafka, ground.topic, orderMessages(events));
    const startedAtMs = await allHandled(ground);
    const ledger = await readLedger(ground.database);
    const seconds = (ledger.lastEffectAtMs - startedAtMs) / 1_000;
    return { rate: events / Math.max(seconds, 0.001), findings: auditLedger(ledger, events) };
  });
}
