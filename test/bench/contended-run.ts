/**
 * One run in which each event also pays into one of 100 accounts, so that partitions meet on the same rows. As
 * `consume-run.ts`; what stands in the accounts is audited too.
 */
import { accounts } from './accounts.js';
import type { Contestant, Measured, Stage } from './harness/benchmark.js';
import { allHandled, onGround } from './harness/ground.js';
import { auditAccounts, auditLedger, createAccounts, readLedger } from './harness/ledger.js';
import { orderMessages, produce } from './harness/produce-events.js';

export function contendedRun(contestant: Contestant, stage: Stage): Promise<Measured> {
  const { events, kafka } = stage;
  return onGround(contestant, stage, async (ground) => {
    const { database, topic } = ground;
    await createAccounts(database, accounts);
    await produce(kafka, topic, orderMessages(events));
    const startedAtMs = await allHandled(ground);
    const ledger = await readLedger(database);
    const seconds = (ledger.lastEffectAtMs - startedAtMs) / 1_000;
    const findings = [...auditLedger(ledger, events), ...(await auditAccounts(database, accounts))];
    return { rate: events / Math.max(seconds, 0.001), findings };
  });
}
