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
    ['dead-letters', [0, 1, 2, 3, 4, 5]],
    ['outbox', [0, 1, 2, 3]],
    ['status', [0, 1, 2]],
  ])('documents the exit codes of %s', async (command, codes) => {
    const { out } = await runTool(['help', command]);

    const documented = [...out.matchAll(/^ {2}(\d) {2}/gm)].map(([, code]) => Number(code));
    expect(documented).toEqual(codes);
  });

  it.each([
    ['no command', [], 'Usage:'],
    ['an unknown command', ['migrat'], 'Did you mean migrate?'],
    ['an unknown option', ['migrate', '--prin'], 'Did you mean --print?'],
    ['a word too many', ['migrate', 'now', '--print'], 'too many arguments'],
    ['no database', ['migrate'], 'migrate needs --url or DATABASE_URL, or --print'],
    ['no URL', ['migrate', '--url', 'payments'], 'it is no URL'],
    ['no database to relay from', ['relay', '--brokers', 'a:1'], 'relay needs --url or DATABASE_URL'],
    ['no broker', ['relay', '--url', 'postgres://a@b/c'], 'relay needs --brokers or KAFKA_BROKERS'],
    ['a number that is none', ['relay', '--lease', '10s'], 'It is no whole number'],
    ['nothing to send again', ['outbox', 'retry'], 'outbox retry needs either positions or --all'],
    ['all and some', ['outbox', 'retry', '1', '--all'], 'outbox retry needs either positions or --all'],
    ['no reason', ['outbox', 'discard', '1'], "'--reason <text>' not specified"],
    ['a blank reason', ['outbox', 'discard', '1', '--reason', ' '], 'may not be blank'],
    ['no position', ['outbox', 'retry', '1', 'x'], 'It is no position'],
    ['a position too large', ['outbox', 'retry', '9223372036854775808'], 'It is no position'],
    ['no outbox', ['outbox', 'list'], 'outbox needs --url or DATABASE_URL'],
    ['no letter to replay', ['dead-letters', 'replay'], 'needs either ids, a filter, or --all'],
    [
      'letters and a filter',
      ['dead-letters', 'discard', '1', '--type', 't', '--reason', 'x'],
      'needs either ids',
    ],
    ['letters for no reason', ['dead-letters', 'discard', '1'], "'--reason <text>' not specified"],
    [
      'a blank name',
      ['dead-letters', 'replay', '1', '--by', ' ', '--url', 'postgres://a@b/c'],
      '--by may not be blank',
    ],
    ['no time', ['dead-letters', 'list', '--from', 'noon'], 'It is no time'],
    ['no state', ['dead-letters', 'list', '--state', 'lost'], 'Allowed choices are dead, replayed'],
    ['a dry run of nothing', ['dead-letters', 'replay', '1', '--dry-run'], 'needs --module'],
    ['an edit without a body', ['dead-letters', 'edit', '1'], 'needs either --body or --body-file'],
    ['no database to look at', ['status'], 'status needs --url or DATABASE_URL'],
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
