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
    const findings = auditOrders(await readOrders(database, way), warmUpsOf(stage.events) + stage.events);
    if (work === '') findings.push(...(await auditAccounts(database, accounts)));
    return { rate: (stage.events * 1_000) / Math.max(tookMs, 1), findings };
  });
}

interface OrderBooks {
  readonly effects: number;
  /** Different ones among the effects. */
  readonly orders: number;
  /** Where orders are published; each event has its order's number as key. */
  readonly outbox: {
    readonly events: number;
    /** Orders without event and events without order. */
    readonly torn: number;
  } | null;
}

async function readOrders(database: TestDatabase, way: OutboxSetting['way']): Promise<OrderBooks> {
  const [effects] = await database.query(
    'SELECT count(*)::int AS effects, count(DISTINCT order_id)::int AS orders FROM effect',
  );
  const keys = keysOf[way];
  if (keys === null) return { ...effects, outbox: null };
  const [{ events, torn }] = await database.query(`
    SELECT (SELECT count(*)::int FROM (${keys}) AS event) AS events,
      count(*) FILTER (WHERE event.key IS NULL OR order_id IS NULL)::int AS torn
    FROM effect FULL JOIN (${keys}) AS event ON event.key = order_id`);
  return { ...effects, outbox: { events, torn } };
}

/** Findings on orders 1 to `due`; where they are published each has one event. */
export function auditOrders({ effects, orders, outbox }: OrderBooks, due: number): string[] {
  const found: string[] = [];
  if (orders !== due) found.push(`${orders} orders, not ${due}`);
  if (effects > orders) found.push(`${effects - orders} doubled`);
  if (outbox === null) return found;
  if (outbox.events !== due) found.push(`${outbox.events} events, not ${due}`);
  if (outbox.torn > 0) found.push(`${outbox.torn} orders without event, or events without order`);
  return found;
}
