import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { runTool } from './run-tool.js';

describe('the words of exactly-once', () => {
  it('says its version', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

    expect(await runTool(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' });
  });

  it('names its commands and its exit codes', async () => {
    const { code, out } = await runTool(['--help']);

    expect(code).toBe(0);
    expect(out).toContain('migrate');
    expect(out).toMatch(/Exit codes:\n {2}0 .*\n {2}1 .*\n {2}2 /);
  });

  it('says of migrate where the database is read from, with examples', async () => {
    const { code, out } = await runTool(['help', 'migrate']);

    expect(code).toBe(0);
    expect(out).toContain('DATABASE_URL');
    expect(out).toContain('exactly-once migrate --print');
  });

  it.each([
    ['no command', [], 'Usage:'],
    ['an unknown command', ['migrat'], 'Did you mean migrate?'],
    ['an unknown option', ['migrate', '--prin'], 'Did you mean --print?'],
    ['a word too many', ['migrate', 'now', '--print'], 'too many arguments'],
    ['no database', ['migrate'], 'migrate needs --url or DATABASE_URL, or --print'],
    ['no URL', ['migrate', '--url', 'payments'], 'it is no URL'],
    ['another database', ['migrate', '--url', 'mysql://a@b/c'], 'it begins with mysql://'],
    ['a schema that is no name', ['migrate', '--print', '--schema', 'a;b'], 'is not a plain identifier'],
  ])('exits with 2 for %s, and says so', async (_, words, message) => {
    const { code, out, err } = await runTool(words);

    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(message);
  });

  it.each(['mysql://me:secret@db/x', 'postgres://me:secret@127.0.0.1:1/x', 'me:secret@db/x'])(
    'does not tell the password of %s',
    async (url) => {
      const { code, out, err } = await runTool(['migrate'], { DATABASE_URL: url });

      expect(code).not.toBe(0);
      expect(err).not.toBe('');
      expect(out + err).not.toContain('secret');
    },
  );

  it('exits with 1 where nothing listens, and says where', async () => {
    const { code, err } = await runTool(['migrate', '--url', 'postgres://me@127.0.0.1:1/payments']);

    expect(code).toBe(1);
    expect(err).toContain('Cannot connect to postgres://me@127.0.0.1:1/payments: connect ECONNREFUSED');
  });

  it('prints the SQL without a database', async () => {
    const { code, out, err } = await runTool(['migrate', '--print', '--schema', 'events']);

    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^BEGIN;\n[\s\S]*CREATE TABLE "events"\.eo_inbox [\s\S]*\nCOMMIT;\n$/);
  });
});
