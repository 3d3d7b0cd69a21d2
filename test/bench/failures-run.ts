/**
 * One run as `consume-run.ts`, with an event of the failing key before every hundredth other. It ends when all are
 * passed; only the others count, to the last of their effects. Each of the failing ones must be parked or dead-lettered.
 */

import { failingKey } from './failing-key.js';
import type { Contestant, Measured, Stage } from './harness/benchmark.js';
import { onGround, passed } from './harness/ground.js';
import { auditLedger, countParked, type Ledger, readLedger } from './harness/ledger.js';
import { orderMessage, orderMessages, produce } from './harness/produce-events.js';

const oneIn = 100;

export function failuresRun(contestant: Contestant, stage: Stage): Promise<Measured> {
  const { events, kafka } = stage;
  return onGround(contestant, stage, async (ground) => {
    const mixed = orderMessages(events).flatMap((one, index) =>
      index % oneIn === 0 ? [failingMessage(), one] : [one],
    );
    await produce(kafka, ground.topic, mixed);
    const startedAtMs = await ground.running(async (process) => {
      await ground.counted(process, mixed.length, () => passed(ground));
      return process.startedAtMs;
    });
    const ledger = await readLedger(ground.database);
    const parked = await countParked(ground.database);
    const findings = auditFailures({ ...ledger, parked }, events, mixed.length - events);
    const seconds = (ledger.lastEffectAtMs - startedAtMs) / 1_000;
    const rate = events / Math.max(seconds, 0.001);
    return { rate, findings, figures: { parked, 'dead letters': ledger.deadLetters } };
  });
}

/** Findings where the books are not those of `events` that are handled and `failing` that wait or are dead. */
export function auditFailures(
  ledger: Ledger & { readonly parked: number },
  events: number,
  failing: number,
): string[] {
  const failed = ledger.parked + ledger.deadLetters;
  const inboxRecords = ledger.inboxRecords - failed; // those that failed have theirs too
  const found = auditLedger({ ...ledger, inboxRecords, deadLetters: 0 }, events);
  if (failed !== failing) found.push(`${failed} of ${failing} failing events wait or are dead`);
  return found;
}

function failingMessage(): ReturnType<typeof orderMessage> {
  const message = orderMessage(1);
  const order = { ...JSON.parse(message.value), orderId: failingKey };
  return { ...message, key: failingKey, value: JSON.stringify(order) };
}
