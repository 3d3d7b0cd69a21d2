/**
 * One run of business transactions, timed by the contestant itself once it is warm; then its books: as many orders as
 * transactions, each with its event in the outbox where it publishes one, and every account as its orders say.
 */
import { until } from '../../services/ports.js';
import type { TestDatabase } from '../../services/postgres.js';
import type { Contestant, Measured, Stage } from '../harness/benchmark.js';
import { onGround } from '../harness/ground.js';
import { auditAccounts, createAccounts } from '../harness/ledger.js';
import { accounts, type OutboxSetting, warmUpsOf } from './timed-transactions.js';

const patienceMs = 300_000;
/** Keys of the events that stand in the outbox. */
const ours = "SELECT convert_from(key, 'UTF8') AS key FROM eo_outbox";
const keysOf: Readonly<Record<OutboxSetting['way'], string | null>> = {
  none: null,
  outbox: ours,
  within: ours,
  'pg-transactional-outbox': 'SELECT aggregate_id AS key FROM outbox',
  'nestjs-outbox': "SELECT event_payload->>'key' AS key FROM outbox_transport_event",
};

export function outboxRun(contestant: Contestant, stage: Stage): Promise<Measured> {
  return onGround(contestant, stage, async ({ database, running }) => {
    await createAccounts(database, accounts);
    const tookMs = await running(async (process) => {
      const isDone = async () => {
        stage.interrupted.throwIfAborted();
        if (process.ended !== null) throw new Error(`${contestant.name} ${process.ended}`);
        return !Number.isNaN(process.doneAtMs);
      };
      await until(`${contestant.name} has committed its transactions`, isDone, patienceMs);
      return process.doneAtMs - process.startedAtMs;
    });
    const { way, work } = JSON.parse(contestant.setting!) as OutboxSetting;
    const findings = await auditOrders(database, warmUpsOf(stage.events) + stage.events, way);
    if (work === '') findings.push(...(await auditAccounts(database, accounts)));
    return { rate: (stage.events * 1_000) / Math.max(tookMs, 1), findings };
  });
}

/** Findings on orders 1 to `due`; where they are published each has an event, with its number as key. */
async function auditOrders(
  database: TestDatabase,
  due: number,
  way: OutboxSetting['way'],
): Promise<string[]> {
  const [{ effects, orders }] = await database.query(
    'SELECT count(*)::int AS effects, count(DISTINCT order_id)::int AS orders FROM effect',
  );
  const found: string[] = [];
  if (orders !== due) found.push(`${orders} orders, not ${due}`);
  if (effects > orders) found.push(`${effects - orders} doubled`);
  const keys = keysOf[way];
  if (keys === null) return found;
  const [{ events, torn }] = await database.query(`
    SELECT count(event.key)::int AS events, count(*) FILTER (WHERE event.key IS NULL OR order_id IS NULL)::int AS torn
    FROM effect FULL JOIN (${keys}) AS event ON event.key = order_id`);
  if (events !== due) found.push(`${events} events, not ${due}`);
  if (torn > 0) found.push(`${torn} orders without event, or events without order`);
  return found;
}
