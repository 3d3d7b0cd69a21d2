import { deadLetterMoves, outboxMoves } from '@exactly-once/core';
import { describe, expect, it } from '@jest/globals';
import { tablesIn } from '../tables.js';
import { initialSql } from './001-initial.sql.js';

/** The states that the DDL allows in a table. */
function checkedStates(table: string): string[] {
  const body = initialSql(tablesIn(null)).split(`CREATE TABLE ${table} (`)[1]!.split('\n);')[0]!;
  const list = /CHECK \(state IN \(([^)]*)\)\)/.exec(body)![1]!;
  return list.split(',').map((state) => state.trim().replaceAll("'", ''));
}

describe('the first migration', () => {
  it('allows the states of the outbox that the code knows, and no others', () => {
    const known = Object.keys(outboxMoves);

    expect(checkedStates('eo_outbox').sort()).toEqual(known.sort());
    expect(known).toEqual(expect.arrayContaining(Object.values(outboxMoves).flat()));
  });

  it('allows the states of dead letters that the code knows, and no others', () => {
    expect(checkedStates('eo_dead_letter').sort()).toEqual(Object.keys(deadLetterMoves).sort());
  });

  it('names each table with its schema', () => {
    const sql = initialSql(tablesIn('events'));
    const named = [...sql.matchAll(/(?:CREATE TABLE|INSERT INTO|REFERENCES| ON) (\S*eo_\w+)/g)].map(
      ([, name]) => name,
    );

    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !name!.startsWith('"events".eo_'))).toEqual([]);
  });
});
