import { errorChain } from '@exactly-once/core';
import { describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { typeOrmStorage } from './typeorm-storage.js';

const postgres = (options = {}) => new DataSource({ type: 'postgres', ...options });
type Create = (dataSource?: DataSource) => { name: string };

describe('typeOrmStorage', () => {
  it('asks for the unnamed DataSource by its class', () => {
    expect(typeOrmStorage().inject).toEqual([DataSource]);
    expect(typeOrmStorage({ dataSource: 'default' }).inject).toEqual([DataSource]);
  });

  it('asks for a named DataSource as @nestjs/typeorm names it', () => {
    expect(typeOrmStorage({ dataSource: 'ledger' }).inject).toEqual(['ledgerDataSource']);
  });

  it('asks for a token as it is', () => {
    const token = Symbol('mine');

    expect(typeOrmStorage({ dataSource: token }).inject).toEqual([token]);
  });

  it("hides the DataSource's secrets in errors, wherever they stand", () => {
    const { create } = typeOrmStorage({
      dataSource: postgres({ password: 'hush-a', ssl: { key: 'hush-b' } }),
    });
    (create as Create)();

    const chain = errorChain(new Error('told hush-a', { cause: new Error('["hush-b"]') }));

    expect(chain).toEqual(['Error: told ***', 'Error: ["***"]']);
  });

  it('takes a DataSource, and asks for nothing', () => {
    const { inject, create } = typeOrmStorage({ dataSource: postgres() });

    expect(inject).toEqual([]);
    expect((create as Create)()).toMatchObject({ name: 'postgres' });
  });

  it('names the nearest option for one that nobody knows', () => {
    const given = { migrations: true } as object;

    expect(() => typeOrmStorage(given)).toThrow(/EO_OPTION_UNKNOWN: .*"migrations".*"migrate"/);
  });

  it.each(['a b', '"quoted"', "x'; DROP TABLE t; --", '', '1st', 'a'.repeat(64)])(
    'refuses the schema %j',
    (schema) => {
      expect(() => typeOrmStorage({ schema })).toThrow(/EO_OPTION_INVALID: schema/);
      const { create } = typeOrmStorage({ dataSource: postgres({ schema }) });
      expect(() => (create as Create)()).toThrow(/EO_OPTION_INVALID: schema/);
    },
  );

  it('refuses a database that it has no dialect for', () => {
    const { create } = typeOrmStorage();
    const mongo = { options: { type: 'mongodb' } } as unknown as DataSource;

    expect(() => (create as Create)(mongo)).toThrow(/EO_OPTION_INVALID: .*"mongodb".*"postgres"/);
  });

  it.each([
    [{ migrate: 'yes' }, /migrate/],
    [{ dataSource: 7 }, /dataSource/],
    [{ schema: 7 }, /schema/],
  ])('refuses %j', (options, what) => {
    expect(() => typeOrmStorage(options as object)).toThrow(what);
  });
});
