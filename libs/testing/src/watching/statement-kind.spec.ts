import { describe, expect, it } from '@jest/globals';
import { isWrite, shortened, writtenTable } from './statement-kind.js';

describe('a statement', () => {
  it.each([
    ['INSERT INTO "payment"("id") VALUES ($1)', 'payment'],
    ['  update only "shop"."account" SET cents = 1', 'account'],
    ['/* by hand */ DELETE FROM payment', 'payment'],
    ['WITH gone AS (DELETE FROM payment RETURNING *) SELECT * FROM gone', 'payment'],
    ['TRUNCATE payment', 'payment'],
    ['CREATE TABLE a (b int)', null],
    ['CALL settle(1)', null],
    ['DO $$ BEGIN PERFORM 1; END $$', null],
    ['SELECT * INTO copied FROM payment', null],
    ["SELECT '--;'; INSERT INTO payment VALUES (1)", 'payment'],
  ])('that writes: %s', (sql, table) => {
    expect([isWrite(sql), writtenTable(sql)]).toEqual([true, table]);
  });

  it.each([
    'SELECT 1',
    'select * from updates',
    'WITH a AS (SELECT 1) SELECT * FROM a',
    'BEGIN',
    'SHOW x',
    "SELECT 'into; INSERT INTO payment'",
    'SELECT "into" FROM "a;delete"',
    'SELECT $$; DELETE FROM a$$ /* ; DROP TABLE a */',
  ])('that only reads: %s', (sql) => {
    expect(isWrite(sql)).toBe(false);
  });

  it('is shown in one line, and not whole', () => {
    expect(shortened(`SELECT\n  ${'x'.repeat(200)}`)).toMatch(/^SELECT x{83}…$/);
  });
});
