/**
 * One run of business transactions, timed by the contestant itself once it is warm; then its books: as many orders as
 * transactions, each with its event in the outbox where it publishes one, and every account as its orders say.
 */
import { until } from '../../services/ports.js';
import type { TestDatabase } from '../../services/postgres.js';
import type { Contestant, Measured, Stage } from '../benchmark.js';
import { onGround } from '../ground.js';
import { auditAccounts, createAccounts } from '../ledger.js';
import { accounts, type OutboxSetting, warmUps } from './business.js';

const patienceMs = 300_000;

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
    const findings = await auditOrders(database, warmUps + stage.events, way !== 'none');
    if (work === '') findings.push(...(await auditAccounts(database, accounts)));
    return { rate: (stage.events * 1_000) / Math.max(tookMs, 1), findings };
  });
}

/** Findings on orders 1 to `due`; `published`: each has an event, with its number as key. */
async function auditOrders(database: TestDatabase, due: number, published: boolean): Promise<string[]> {
  const [{ effects, orders }] = await database.query(
    'SELECT count(*)::int AS effects, count(DISTINCT order_id)::int AS orders FROM effect',
  );
  const found: string[] = [];
  if (orders !== due) found.push(`${orders} orders, not ${due}`);
  if (effects > orders) found.push(`${effects - orders} doubled`);
  if (!published) return found;
  const [{ events, torn }] = await database.query(`
    SELECT count(event.key)::int AS events, count(*) FILTER (WHERE event.key IS NULL OR order_id IS NULL)::int AS torn
    FROM effect FULL JOIN (SELECT convert_from(key, 'UTF8') AS key FROM eo_outbox) AS event ON event.key = order_id`);
  if (events !== due) found.push(`${events} events, not ${due}`);
  if (torn > 0) found.push(`${torn} orders without event, or events without order`);
  return found;
}
