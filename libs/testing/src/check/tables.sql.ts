/**
 * Statements that read the user's own tables and put them back. Names come from the catalogue, quoted by the server.
 *
 * For a test's database that nobody else writes to.
 */

/** All but the framework's, TypeORM's list of migrations, and partitions, which their parent shows. */
export const tablesSql = `
  SELECT c.oid::int AS oid, format('%I.%I', n.nspname, c.relname) AS name, n.nspname AS schema, c.relname AS plain,
    CASE c.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END || format('%I.%I', n.nspname, c.relname) AS rows
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND n.nspname !~ '^(pg_|eo_test_)' AND n.nspname <> 'information_schema'
    AND c.relname !~ '^eo_' AND c.relname NOT IN ('migrations', 'typeorm_metadata')
  ORDER BY name`;

/** \`made\`: the database itself gives a value, which is another one each time. */
export const columnsSql = `
  SELECT a.attrelid::int AS oid, a.attname AS name, quote_ident(a.attname) AS quoted, a.attgenerated <> '' AS generated,
    a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid), '') ~*
      'nextval|now\\(\\)|_timestamp|current_(date|time)|localtime|random|uuid' AS made
  FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid = ANY($1::oid[])
  ORDER BY a.attrelid, a.attnum`;

export const referencesSql = `
  SELECT c.conrelid::int AS "from", c.confrelid::int AS "to", f.attname AS column, t.attname AS target,
    c.conrelid::regclass::text AS referring, c.confrelid::regclass::text AS referred, s.relispartition AS partition
  FROM pg_constraint c JOIN pg_class s ON s.oid = c.conrelid CROSS JOIN LATERAL unnest(c.conkey, c.confkey) AS k (f, t)
  JOIN pg_attribute f ON f.attrelid = c.conrelid AND f.attnum = k.f
  JOIN pg_attribute t ON t.attrelid = c.confrelid AND t.attnum = k.t
  WHERE c.contype = 'f'`;

/** Of the user's own: one that stands on a table or a partition and fires. `always`: for replicas, too. */
export const triggersSql = `
  SELECT format('%I.%I', n.nspname, c.relname) AS table, quote_ident(t.tgname) AS name, t.tgenabled = 'A' AS always
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND c.relkind IN ('r', 'p')
    AND n.nspname !~ '^(pg_|eo_test_)' AND n.nspname <> 'information_schema'
    AND c.relname !~ '^eo_' AND c.relname NOT IN ('migrations', 'typeorm_metadata')
  ORDER BY 1, 2`;

/** Locks the table until the transaction ends. */
export const disableTriggerSql = (table: string, trigger: string): string =>
  `ALTER TABLE ${table} DISABLE TRIGGER ${trigger}`;

export const enableTriggerSql = (table: string, trigger: string, always: boolean): string =>
  `ALTER TABLE ${table} ENABLE ${always ? 'ALWAYS ' : ''}TRIGGER ${trigger}`;

/** What is deferred is checked now: a table on which a check still waits cannot be altered. */
export const checkNowSql = 'SET CONSTRAINTS ALL IMMEDIATE';

export const countSql = (rows: string): string => `SELECT count(*)::int AS rows FROM ${rows}`;

/** `kept`: as the server writes and reads it, without a loss. `row`: numbers that JavaScript would round, as text. */
export const rowsSql = (rows: string): string => `
  SELECT (eo_row.*)::text AS kept, (
    SELECT coalesce(jsonb_object_agg(key, CASE
      WHEN jsonb_typeof(value) <> 'string' AND value::text ~ '[0-9.]{16}' THEN to_jsonb(value::text)
      ELSE value
    END), '{}') FROM jsonb_each(to_jsonb(eo_row.*))
  ) AS row
  FROM ${rows} eo_row`;

/** Without CASCADE: a table that is left out is not to be emptied because it refers to one of these. */
export const truncateSql = (rows: readonly string[]): string => `TRUNCATE ${rows.join(', ')}`;

/** `$1`: a JSON array of rows as text. OFFSET 0 has each of them read once, and not once for each column. */
export const insertSql = (table: string, columns: readonly string[]): string => `
  INSERT INTO ${table} (${columns.join(', ')}) OVERRIDING SYSTEM VALUE
  SELECT ${columns.map((column) => `(kept.one).${column}`).join(', ')}
  FROM (SELECT eo_text::${table} AS one FROM jsonb_array_elements_text($1::jsonb) AS eo_text OFFSET 0) kept`;

/** Of the framework's own: what it knows of events, not what it was set up with. */
export const ownTablesSql = `
  SELECT format('%I.%I', n.nspname, c.relname) AS name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND n.nspname = $1 AND c.relname NOT IN ('eo_meta', 'eo_handler', 'eo_lease')`;
