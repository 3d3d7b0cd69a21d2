/**
 * The books of a run: what stands in the effect table, which has no constraint that would hide a double, and in the
 * inbox that the contestant kept. Says what was lost, doubled or torn; a run with a finding counts for nothing.
 */
import type { TestDatabase } from '../../services/postgres.js';

export interface Ledger {
  readonly effects: number;
  /** Different orders among them. */
  readonly orders: number;
  readonly cents: number;
  /** As many as effects where the contestant keeps no inbox of its own: then there is nothing to compare. */
  readonly inboxRecords: number;
  readonly deadLetters: number;
  /** By the database's clock; the machine is one. */
  readonly lastEffectAtMs: number;
}

export async function createLedger(database: TestDatabase): Promise<void> {
  await database.query(`
    CREATE TABLE effect (id bigserial PRIMARY KEY, order_id text, cents int, at timestamptz DEFAULT clock_timestamp(),
      by text DEFAULT current_setting('application_name'))`);
}

/** Effects of committed transactions. */
export async function countEffects(database: TestDatabase): Promise<number> {
  const [{ count }] = await database.query('SELECT count(*)::int AS count FROM effect');
  return count;
}

/** From now on a notification on the channel `effect` names the order of each effect, when that is committed. */
export async function notifyEffects(database: TestDatabase): Promise<void> {
  await database.query(`
    CREATE FUNCTION say_effect() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_notify('effect', NEW.order_id); RETURN NULL; END $$`);
  await database.query(
    'CREATE TRIGGER effect AFTER INSERT ON effect FOR EACH ROW EXECUTE FUNCTION say_effect()',
  );
}

/** Accounts 0 to `count` - 1, empty. */
export async function createAccounts(database: TestDatabase, count: number): Promise<void> {
  await database.query('CREATE TABLE account (id int PRIMARY KEY, cents bigint NOT NULL)');
  await database.query('INSERT INTO account SELECT id, 0 FROM generate_series(0, $1 - 1) AS given (id)', [
    count,
  ]);
}

/** Findings where an account does not hold what the effects say: order n belongs to account n modulo `count`. */
export async function auditAccounts(database: TestDatabase, count: number): Promise<string[]> {
  const wrong = await database.query(
    `
    SELECT account.id, account.cents, coalesce(sum(effect.cents), 0) AS due
    FROM account LEFT JOIN effect ON effect.cents % $1 = account.id
    GROUP BY account.id HAVING account.cents <> coalesce(sum(effect.cents), 0) ORDER BY account.id`,
    [count],
  );
  return wrong.map(({ id, cents, due }) => `account ${id} holds ${cents}, not ${due}`);
}

/** Records that our groups have passed in this database; `null` where it has no fences. */
export async function fencesStand(database: TestDatabase): Promise<number | null> {
  if (!(await exists(database, 'eo_fence'))) return null;
  const [{ sum }] = await database.query('SELECT coalesce(sum(next_offset), 0)::int AS sum FROM eo_fence');
  return sum;
}

/** Events that wait in the database. */
export async function countParked(database: TestDatabase): Promise<number> {
  return (await exists(database, 'eo_parked_event')) ? rows(database, 'eo_parked_event') : 0;
}

/** How many events the contestant's inbox has; none before there is one. */
export async function countInbox(database: TestDatabase): Promise<number> {
  const table = await inboxTable(database);
  return table === null ? 0 : rows(database, table);
}

export async function readLedger(database: TestDatabase): Promise<Ledger> {
  const [effects] = await database.query(`
    SELECT count(*)::int AS count, count(DISTINCT order_id)::int AS orders, coalesce(sum(cents), 0) AS cents,
      extract(epoch FROM max(at))::float8 * 1000 AS last FROM effect`);
  const inbox = await inboxTable(database);
  return {
    effects: effects.count,
    orders: effects.orders,
    cents: Number(effects.cents),
    inboxRecords: inbox === null ? effects.count : await rows(database, inbox),
    deadLetters: inbox === 'eo_inbox' ? await rows(database, 'eo_dead_letter') : 0,
    lastEffectAtMs: effects.last ?? Number.NaN,
  };
}

/** Findings on a run that was given orders 1 to `events`, each of as many cents as its number; empty where clean. */
export function auditLedger(ledger: Ledger, events: number): string[] {
  const { effects, orders, cents, inboxRecords, deadLetters } = ledger;
  const found: string[] = [];
  const due = (events * (events + 1)) / 2;
  if (orders < events) found.push(`${events - orders} lost`);
  if (orders > events) found.push(`${orders - events} that nobody sent`);
  if (effects > orders) found.push(`${effects - orders} doubled`);
  if (cents !== due) found.push(`the sum is ${cents}, not ${due}`);
  if (inboxRecords !== effects) found.push(`torn: ${inboxRecords} inbox records, ${effects} effects`);
  if (deadLetters > 0) found.push(`${deadLetters} dead letters`);
  return found;
}

/** A consumer of ours makes no other; where one publishes only, both may be there. */
async function inboxTable(database: TestDatabase): Promise<'inbox' | 'eo_inbox' | null> {
  if (await exists(database, 'inbox')) return 'inbox';
  return (await exists(database, 'eo_inbox')) ? 'eo_inbox' : null;
}

async function exists(database: TestDatabase, table: string): Promise<boolean> {
  const [{ found }] = await database.query('SELECT to_regclass($1) IS NOT NULL AS found', [table]);
  return found;
}

async function rows(database: TestDatabase, table: string): Promise<number> {
  const [{ count }] = await database.query(`SELECT count(*)::int AS count FROM ${table}`);
  return count;
}
