import { describe, expect, it } from '@jest/globals';
import { embeddedPostgres } from './embedded-postgres.js';

describe('embeddedPostgres', () => {
  it('names the nearest option for one that nobody knows', () => {
    const given = { foldr: './data' } as object;

    expect(() => embeddedPostgres(given)).toThrow(/EO_OPTION_UNKNOWN: .*"foldr".*"folder"/);
  });

  it.each([
    [{ folder: '' }, /folder/],
    [{ folder: 7 }, /folder/],
    [{ busyTimeoutMs: 0 }, /busyTimeoutMs/],
    [{ busyTimeoutMs: Number.POSITIVE_INFINITY }, /busyTimeoutMs/],
  ])('refuses %j', (options, what) => {
    expect(() => embeddedPostgres(options as object)).toThrow(what);
  });

  it('gives options that ask for no server, no encryption and no extension', () => {
    expect(embeddedPostgres()).toMatchObject({
      type: 'postgres',
      username: 'postgres',
      database: 'postgres',
      ssl: false,
      installExtensions: false,
      uuidExtension: 'pgcrypto',
    });
  });

  it('lets pg wait longer than the gate, so that the error is the one that says what to do', () => {
    const { extra } = embeddedPostgres({ busyTimeoutMs: 100_000 });

    expect(extra.connectionTimeoutMillis).toBeGreaterThan(100_000);
  });
});
