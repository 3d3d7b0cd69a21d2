/**
 * Statements that read the user's own tables and put them back. Names come from the catalogue, quoted by the server.
 *
 * For a test's database that nobody else writes to: they take no lock against others.
 */

/** All but the framework's, TypeORM's list of migrations, and partitions, which their parent shows. */
export const tablesSql = `
  SELECT c.oid::int AS oid, format('%I.%I', n.nspname, c.relname) AS name, c.relname AS plain
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
  SELECT c.conrelid::int AS "from", c.confrelid::int AS "to", f.attname AS column, t.attname AS target
  FROM pg_constraint c CROSS JOIN LATERAL unnest(c.conkey, c.confkey) AS k (f, t)
  JOIN pg_attribute f ON f.attrelid = c.conrelid AND f.attnum = k.f
  JOIN pg_attribute t ON t.attrelid = c.confrelid AND t.attnum = k.t
  WHERE c.contype = 'f'`;

export const countSql = (table: string): string => `SELECT count(*)::int AS rows FROM ${table}`;

export const rowsSql = (table: string): string => `SELECT to_jsonb(t) AS row FROM ${table} t`;

export const truncateSql = (tables: readonly string[]): string => `TRUNCATE ${tables.join(', ')} CASCADE`;

export const insertSql = (table: string, columns: readonly string[]): string => {
  const list = columns.join(', ');
  return `INSERT INTO ${table} (${list}) OVERRIDING SYSTEM VALUE
  SELECT ${list} FROM jsonb_populate_recordset(NULL::${table}, $1::jsonb)`;
};

/** Of the framework's own: what it knows of events, not what it was set up with. */
export const ownTablesSql = `
  SELECT format('%I.%I', n.nspname, c.relname) AS name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND n.nspname = $1 AND c.relname NOT IN ('eo_meta', 'eo_handler', 'eo_lease')`;
