/**
 * Statements around the schemas of a test.
 *
 * Names are made by `TestDatabase`, of letters, digits and underscores; none comes from a user.
 */

export const createSchemaSql = (name: string): string => `CREATE SCHEMA ${name}`;

export const dropSchemaSql = (name: string): string => `DROP SCHEMA IF EXISTS ${name} CASCADE`;

/** An embedded database as it was when it was new. Nobody else may use it. */
export const emptiedSchemasSql = `DO $$
DECLARE name text;
BEGIN
  FOR name IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
    EXECUTE format('DROP SCHEMA %I CASCADE', name);
  END LOOP;
  CREATE SCHEMA public;
END $$`;
