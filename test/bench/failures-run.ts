/**
 * One run as `consume-run.ts`, with an event of the failing key before every hundredth other. Only the others count, to
 * the last of their effects; the books must have the failing ones too, parked or dead-lettered.
 */

import { failingKey } from './failing-key.js';
import type { Contestant, Measured, Stage } from './harness/benchmark.js';
import { allHandled, onGround } from './harness/ground.js';
import { auditLedger, countParked, readLedger } from './harness/ledger.js';
import { orderMessage, orderMessages, produce } from './harness/produce-events.js';

const oneIn = 100;

export function failuresRun(contestant: Contestant, stage: Stage): Promise<Measured> {
  const { events, kafka } = stage;
  return onGround(contestant, stage, async (ground) => {
    const mixed = orderMessages(events).flatMap((one, index) =>
      index % oneIn === 0 ? [failingMessage(), one] : [one],
    );
    await produce(kafka, ground.topic, mixed);
    const startedAtMs = await allHandled(ground);
    const ledger = await readLedger(ground.database);
    const parked = await countParked(ground.database);
    const failed = parked + ledger.deadLetters;
    const inboxRecords = ledger.inboxRecords - failed;
    const findings = auditLedger({ ...ledger, inboxRecords, deadLetters: 0 }, events);
    if (failed < events / oneIn / 2) findings.push(`only ${failed} events failed`);
    const seconds = (ledger.lastEffectAtMs - startedAtMs) / 1_000;
    const rate = events / Math.max(seconds, 0.001);
    return { rate, findings, figures: { parked, 'dead letters': ledger.deadLetters } };
  });
}

function failingMessage(): ReturnType<typeof orderMessage> {
  const message = orderMessage(1);
  const order = { ...JSON.parse(message.value), orderId: failingKey };
  return { ...message, key: failingKey, value: JSON.stringify(order) };
}
