/**
 * The ledger of a run. Without unique constraints: a constraint would hide a double.
 */
export const ledgerDdl = `
CREATE TABLE effect_one (
  position bigint GENERATED ALWAYS AS IDENTITY,
  handler text NOT NULL, source text NOT NULL, id text NOT NULL, message text NOT NULL, key text,
  sequence integer NOT NULL, note text, worker text NOT NULL
);
CREATE TABLE effect_two (LIKE effect_one INCLUDING IDENTITY);
CREATE TABLE late_write (message text NOT NULL, worker text NOT NULL);
CREATE TABLE business (message text NOT NULL, worker text NOT NULL);
CREATE TABLE counter (handler text NOT NULL, key text NOT NULL, v integer NOT NULL, PRIMARY KEY (handler, key));
CREATE TABLE obstacle (name text PRIMARY KEY);
INSERT INTO obstacle (name) VALUES ('taken');
CREATE TABLE hot_account (account integer PRIMARY KEY, v integer NOT NULL);
INSERT INTO hot_account (account, v) SELECT generate_series(0, 99), 0;
CREATE TABLE promise (name text NOT NULL REFERENCES obstacle (name) DEFERRABLE INITIALLY DEFERRED);`;

/** $1 handlers, $2 keys. */
export const countersSql = `
INSERT INTO counter (handler, key, v)
SELECT handler, key, 0 FROM unnest($1::text[]) AS handler, unnest($2::text[]) AS key
ON CONFLICT DO NOTHING`;

/** Row lock until commit. $1 handler, $2 key. */
export const countSql = 'UPDATE counter SET v = v + 1 WHERE handler = $1 AND key = $2';

/** The same for many events; the keys of a group are of one partition. $1 handler, $2 a key for each event. */
export const countAllSql = `
UPDATE counter SET v = v + n FROM (SELECT key, count(*) AS n FROM unnest($2::text[]) AS key GROUP BY key) AS seen
WHERE handler = $1 AND counter.key = seen.key`;

/** Fails: the name is taken. */
export const obstacleSql = "INSERT INTO obstacle (name) VALUES ('taken')";

/** $1 message, $2 worker. */
export const lateWriteSql = 'INSERT INTO late_write (message, worker) VALUES ($1, $2)';

/** Takes 300 ms. $1 message, $2 worker. */
export const slowWriteSql =
  'INSERT INTO late_write (message, worker) SELECT $1, $2 FROM (SELECT pg_sleep(0.3)) AS pause';

/** $1 seconds. */
export const slowQuerySql = 'SELECT pg_sleep($1)';

/** $1 message, $2 worker. */
export const businessSql = 'INSERT INTO business (message, worker) VALUES ($1, $2)';

/** Row lock until commit, in no order. $1 account. */
export const hotSql = `
UPDATE hot_account SET v = v + 1 WHERE account = $1 RETURNING current_setting('transaction_isolation') AS isolation`;

/** Nothing is wrong with it until COMMIT. $1 a name that is not there. */
export const brokenPromiseSql = 'INSERT INTO promise (name) VALUES ($1)';
