import { describe, expect, it } from '@jest/globals';
import { assertAllowed } from './statement-guard.js';

const refused = (sql: string, shared = true) => {
  try {
    assertAllowed(sql, shared);
    return null;
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('assertAllowed', () => {
  it.each([
    'COMMIT',
    'commit;',
    '  \n\tCommit',
    'COMMIT WORK',
    'COMMIT PREPARED $$x$$',
    'BEGIN',
    'BEGIN ISOLATION LEVEL SERIALIZABLE',
    'START TRANSACTION',
    'END',
    'ROLLBACK',
    'rollback to savepoint x',
    'ABORT',
    'SAVEPOINT x',
    'RELEASE SAVEPOINT x',
    'RELEASE x',
    "PREPARE TRANSACTION 'x'",
    'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE',
    'SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY',
    'DISCARD ALL',
  ])('refuses %j, shared or not', (sql) => {
    expect([refused(sql, true), refused(sql, false)]).toEqual([
      'EO_TRANSACTION_OWNED',
      'EO_TRANSACTION_OWNED',
    ]);
  });

  it.each([
    ['a line comment', '-- harmless\nCOMMIT'],
    ['a line comment that ends with a carriage return', '-- harmless\rCOMMIT'],
    ['a block comment', '/* harmless */COMMIT'],
    ['nested block comments', '/* a /* b */ c */ COMMIT'],
    ['another statement', 'SELECT 1; COMMIT'],
    ['an empty statement', ';;COMMIT'],
    ['a literal with a semicolon', "INSERT INTO t VALUES (';'); COMMIT"],
    ['a literal with two quotes', "SELECT 'it''s'; COMMIT"],
    ['a literal that ends with a backslash', "SELECT 'x\\'; COMMIT; --'"],
    ['a literal after a word that ends with e', "SELECT 1 WHERE 'a' like'x\\'; COMMIT; --'"],
    ['an escaped literal', "SELECT E'it\\'s; '; COMMIT"],
    ['a quoted identifier', 'SELECT 1 AS "a""; b"; COMMIT'],
    ['a dollar-quoted body', 'SELECT $$; BEGIN $$; COMMIT'],
    ['a dollar-quoted body with a tag', 'SELECT $x$ $$ $y$; $x$; COMMIT'],
    ['an identifier with dollar signs', 'SELECT a$b$ FROM t; COMMIT; SELECT a$b$'],
    ['an identifier beyond ASCII with dollar signs', 'SELECT é$x$ FROM t; COMMIT; SELECT é$x$'],
    ['a parameter', 'UPDATE t SET a = $1; COMMIT'],
    ['a very long word', `SELECT ${'a'.repeat(500)}; COMMIT`],
  ])('finds COMMIT behind %s', (_, sql) => {
    expect(refused(sql)).toBe('EO_TRANSACTION_OWNED');
  });

  it.each([
    "INSERT INTO notes VALUES ('COMMIT')",
    "INSERT INTO notes VALUES ('; COMMIT')",
    "INSERT INTO notes VALUES (E'\\'; COMMIT')",
    'SELECT "commit" FROM "begin"',
    'SELECT 1 /* ; COMMIT */ -- ; ROLLBACK',
    'SELECT $$; COMMIT $$',
    'SELECT $tag$; COMMIT; $$ $tag$',
    'UPDATE release SET "end" = 1 WHERE begin = 2',
    'WITH commit AS (SELECT 1) SELECT * FROM commit',
    'DO $$ BEGIN PERFORM 1; END $$',
    'CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $f$ BEGIN RETURN 1; END $f$',
    'EXECUTE q',
    'DECLARE c CURSOR FOR SELECT 1',
    'SELECT setting FROM pg_settings',
    'EXPLAIN ANALYZE SELECT 1',
    'SELECT 1 AS "into temp x"',
    'LOCK TABLE t; SELECT 1;',
    "SELECT 'set_config(1)'",
    '',
    '   ',
    'SELECT 1; SELECT 2;',
  ])('lets %j pass', (sql) => {
    expect(refused(sql)).toBeNull();
  });

  it.each([
    "SET LOCAL app.tenant = '1'",
    'set constraints all immediate',
    "SELECT set_config('app.tenant', '1', true)",
    "SELECT pg_catalog . set_config /* x */ ('app.tenant', '1', true)",
    'SELECT "set_config"($1, $2, true)',
    "SELECT set_config('app.tenant', coalesce($1, ')', f(1, 2)), is_local => TRUE)",
    "SELECT set_config('app.tenant', '1', true::boolean)",
    'SET LOCAL statement_timeout = 100',
    'CREATE TEMP TABLE draft (name text) ON COMMIT DROP',
    'create local /* x */ temporary table draft on commit /* x */ drop as select 1',
    'CREATE TABLE IF NOT EXISTS pg_temp.draft (name text) ON COMMIT DROP',
  ])('refuses %j only where neighbours share the transaction', (sql) => {
    expect([refused(sql, true), refused(sql, false)]).toEqual(['EO_TRANSACTION_OWNED', null]);
  });

  it.each([
    'RESET ALL',
    'reset search_path',
    'LISTEN news',
    "LOAD 'auto_explain'",
    'PREPARE q AS SELECT 1; EXECUTE q',
    'DECLARE c CURSOR WITH HOLD FOR SELECT 1',
    "UPDATE pg_settings SET setting = '1' WHERE name = 'work_mem'",
    "UPDATE ONLY pg_catalog.pg_settings SET setting = '1'",
    'EXPLAIN ANALYZE CREATE TEMP TABLE draft AS SELECT 1',
    'SET LOCAL idle_in_transaction_session_timeout = 0',
    "SET app.tenant = '1'",
    "SET SESSION app.tenant = '1'",
    'set role reader',
    "SET TIME ZONE 'UTC'",
    "UPDATE t SET a = SET_CONFIG('app.tenant', '1', false)",
    "SELECT set_config('app.tenant', '1', $1)",
    "SELECT set_config('app.tenant', 'true', 'true' = 'false')",
    "SELECT set_config('a', '1', true), set_config('b', '2', false)",
    'CREATE TEMP TABLE draft (name text)',
    'CREATE TEMP TABLE draft (name text) ON COMMIT DELETE ROWS',
    "CREATE TEMP TABLE draft AS SELECT 'on commit drop'",
    'CREATE TEMP TABLE a (n int); CREATE TEMP TABLE b (n int) ON COMMIT DROP',
    'CREATE TEMPORARY SEQUENCE s',
    'CREATE TEMP VIEW v AS SELECT 1',
    'CREATE OR REPLACE TEMP VIEW v AS SELECT 1',
    'create or replace local temporary view v as select 1',
    'CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
    'SELECT 1 AS n INTO TEMP draft',
    'SELECT 1 AS n INTO/* x */TEMPORARY TABLE draft',
    'WITH a AS (SELECT 1) SELECT * INTO LOCAL TEMP draft FROM a',
    'SELECT 1 AS n INTO pg_temp.draft',
  ])('refuses %j, which outlives the transaction', (sql) => {
    expect([refused(sql, true), refused(sql, false)]).toEqual([
      'EO_TRANSACTION_OWNED',
      'EO_TRANSACTION_OWNED',
    ]);
  });

  it.each([
    'SELECT pg_advisory_lock(1)',
    'SELECT pg_catalog.PG_TRY_ADVISORY_LOCK(1, 2)',
    'SELECT "pg_advisory_lock_shared"($1)',
  ])('refuses %j, a lock that outlives the transaction', (sql) => {
    expect([refused(sql, true), refused(sql, false)]).toEqual([
      'EO_TRANSACTION_OWNED',
      'EO_TRANSACTION_OWNED',
    ]);
  });

  it.each([
    'SELECT pg_advisory_xact_lock(1)',
    'SELECT pg_try_advisory_xact_lock_shared(1)',
    "SELECT 'pg_advisory_lock(1)'",
    'CREATE TABLE temp (name text)',
    'CREATE UNIQUE INDEX i ON pg_temp.draft (n)',
    'INSERT INTO temp SELECT 1',
    'INSERT INTO temp VALUES (1)',
    'SELECT temp, temporary FROM temp',
    "SELECT 'select 1 into temp x'",
    'SELECT attempt INTO x FROM t',
    'CREATE TABLE x AS SELECT * FROM temp',
  ])('lets %j pass in a shared transaction', (sql) => {
    expect(refused(sql, true)).toBeNull();
  });

  it('says what was run, in the details only', () => {
    const secret = "SET LOCAL app.secret = 'hunter2'";

    const error = (() => {
      try {
        assertAllowed(secret, true);
      } catch (caught) {
        return caught as { message: string; details: { statement: string } };
      }
    })();

    expect(error?.message).toContain('SET LOCAL');
    expect(error?.message).not.toContain('hunter2');
  });

  it('reads a statement of megabytes, for which anything but linear time would never end', () => {
    const values = Array.from({ length: 200_000 }, (_, i) => `(${i}, 'it''s; ${i}')`).join(', ');

    expect(refused(`INSERT INTO t VALUES ${values}; SELECT 1`, true)).toBeNull();
  });
});
