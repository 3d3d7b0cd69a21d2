import { type EngineOptions, PermanentError, replayLetters } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryWorld } from './memory-world.js';

const secret = 'hunter2';

describe('a dead letter that is written', () => {
  let world: MemoryWorld;

  beforeEach(() => {
    world = new MemoryWorld();
  });
  afterEach(() => world.stop());

  const give = async (deadLetters: EngineOptions['deadLetters'], error: Error = new PermanentError('no')) => {
    const handler = world.handler('h', () => {
      throw error;
    });
    await world.start([handler], {
      ...(deadLetters && { deadLetters }),
      serviceVersion: '1.2.3',
      retry: { attempts: 1 },
    });
    const { headers } = world.message('A');
    const message = { headers: { ...headers, tenant: 't-1' }, body: '{"card":"4111"}', key: 'k' };
    world.broker.append('in', message);
    await world.pass(5_000);
    return (await world.engine.deadLetters.find(1n))!;
  };

  it('is kept as it came where nothing is said', async () => {
    const letter = await give(undefined);

    expect([String(letter.body), letter.headers['tenant'], letter.redacted]).toEqual([
      '{"card":"4111"}',
      't-1',
      false,
    ]);
    expect(world.broker.topic('given-up')).toEqual([]);
  });

  it('is kept without what the application takes out, and not replayed as it is', async () => {
    const letter = await give({
      redact: (one) => ({ ...one, body: Buffer.from('{"card":"…"}'), errorChain: ['(hidden)'] }),
    });

    expect([String(letter.body), letter.errorChain, letter.redacted]).toEqual([
      '{"card":"…"}',
      ['(hidden)'],
      true,
    ]);
    expect(await replayLetters(world.engine.deadLetters, {}, 'ada')).toEqual({
      replayed: 0,
      refused: [{ id: 1n, outcome: 'redacted' }],
    });
    await world.engine.deadLetters.edit(1n, Buffer.from('{"card":"4111"}'), 'ada');
    expect((await replayLetters(world.engine.deadLetters, {}, 'ada')).replayed).toBe(1);
  });

  it('is redacted also by what its redaction changes in place, and can be replayed where nothing was taken out', async () => {
    const letter = await give({
      redact: (one) => {
        (one.headers as Record<string, string>)['tenant'] = 'gone';
        one.body?.fill(0);
        return one;
      },
    });

    expect([letter.redacted, letter.headers['tenant'], letter.body?.[0]]).toEqual([true, 'gone', 0]);
  });

  it('keeps what says which event it is, whatever is taken out, so that it can be replayed with another body', async () => {
    let fails = true;
    const seen: unknown[] = [];
    const handler = world.handler('h', (context, data) => {
      if (fails) throw new PermanentError('no');
      seen.push([context.id, data, context.headers]);
    });
    await world.start([handler], {
      deadLetters: { redact: (one) => ({ ...one, headers: { added: 'x' }, body: null }) },
    });
    const { headers } = world.message('A');
    const traced = { ...headers, traceparent: 'not one', tenant: 't-1' };
    world.broker.append('in', { headers: traced, body: '{}', key: 'k' });
    await world.pass(5_000);
    fails = false;

    const letter = await world.engine.deadLetters.find(1n);
    await world.engine.deadLetters.edit(1n, Buffer.from('{"better":true}'), 'ada');
    await replayLetters(world.engine.deadLetters, {}, 'ada');
    await world.pass(5_000);

    expect({ ...letter?.headers }).toEqual({ ...headers, traceparent: 'not one', added: 'x' });
    expect(letter?.redacted).toBe(true);
    expect(seen).toEqual([['A', { better: true }, expect.objectContaining({ added: 'x' })]]);
  });

  it('can be replayed where its redaction took nothing out', async () => {
    expect((await give({ redact: (one) => one })).redacted).toBe(false);
  });

  it('is kept without anything where its redaction fails', async () => {
    const letter = await give({
      redact: () => {
        throw new Error('cannot parse 4111');
      },
    });

    const envelope = world.message('A').headers;
    expect([letter.body, { ...letter.headers }, letter.redacted]).toEqual([null, envelope, true]);
    expect(letter).toMatchObject({ handler: 'h', eventId: 'A', code: 'EO_PERMANENT' });
    expect(world.log.join()).toContain('deadLetters.redact failed');
  });

  it('is published, too, with what went wrong, where a topic is named', async () => {
    await give({
      topic: 'given-up',
      redact: (one) => ({ ...one, body: Buffer.from('{}') }),
    });

    const [message, ...others] = world.broker.topic('given-up');
    const headers = Object.fromEntries(
      Object.entries(message!.headers).map(([name, value]) => [name, Buffer.from(value).toString()]),
    );
    expect(headers).toMatchObject({
      ...{ eo_id: 'A', eo_source: 'test', ce_source: 'test', ce_type: 'happened', tenant: 't-1' },
      ...{ eo_handler: 'h', eo_code: 'EO_PERMANENT', eo_topic: 'in', eo_service_version: '1.2.3' },
      eo_error: expect.stringContaining('no'),
    });
    expect([String(message!.body), String(message!.key), others]).toEqual(['{}', 'k', []]);
  });

  it('is redacted and published also where its event was tried again before', async () => {
    const handler = world.handler('h', () => {
      throw new Error('not yet');
    });
    await world.start([handler], {
      deadLetters: { topic: 'given-up', redact: (one) => ({ ...one, body: Buffer.from('{}') }) },
      retry: { attempts: 2, backoffMs: 1 },
    });
    world.broker.append('in', { ...world.message('A', '{"card":"4111"}'), key: 'k' });
    await world.pass(5_000);

    const letter = await world.engine.deadLetters.find(1n);
    expect([String(letter?.body), letter?.redacted, letter?.attempts]).toEqual(['{}', true, 2]);
    expect(world.broker.topic('given-up').map(({ body }) => String(body))).toEqual(['{}']);
  });

  it('is published under an id of its own each time, so that who reads them drops none', async () => {
    await give({ topic: 'given-up' });
    await replayLetters(world.engine.deadLetters, {}, 'ada');
    await world.pass(5_000);

    const messages = world.broker.topic('given-up');
    const header = (name: string) => messages.map(({ headers }) => Buffer.from(headers[name]!).toString());
    expect(header('eo_id')).toEqual(['A', 'A']);
    expect(new Set(['A', ...header('ce_id')]).size).toBe(3);
  });

  it('is published also where its event could not be read', async () => {
    await world.start([world.handler('h')], { deadLetters: { topic: 'given-up' } });
    world.broker.append('in', { headers: { ce_id: 'A', odd: 'x' }, body: 'no event' });
    await world.pass(5_000);

    const [message] = world.broker.topic('given-up');
    const header = (name: string) => Buffer.from(message!.headers[name]!).toString();
    expect([header('ce_type'), header('eo_code'), header('odd')]).toEqual([
      'exactly-once.unreadable',
      'EO_ENVELOPE_INVALID',
      'x',
    ]);
    expect(String(message!.body)).toBe('no event');
  });

  it('goes with its transaction, the published one too', async () => {
    let begun = 0;
    world.eachTransaction((transaction) => {
      if (begun++ === 0) transaction.loseAnswer('rolled-back');
    });
    await give({ topic: 'given-up' });

    expect(begun).toBeGreaterThan(1);
    expect(await world.engine.deadLetters.count()).toBe(1);
    expect(world.broker.topic('given-up')).toHaveLength(1);
  });

  it('holds no password of the configuration, and neither does what is published or logged', async () => {
    const cause = new Error(`connect to postgres://app:${secret}@db.example/shop?sslmode=require failed`);
    const error = new PermanentError(`no ledger (PGPASSWORD=${secret})`, { cause });
    const letter = await give({ topic: 'given-up' }, error);

    const [message] = world.broker.topic('given-up');
    const published = Buffer.from(message!.headers['eo_error']!).toString();
    expect(letter.errorChain[1]).toBe(
      'Error: connect to postgres://***@db.example/shop?sslmode=require failed',
    );
    expect([...letter.errorChain, published, ...world.log].join('\n')).not.toContain(secret);
  });
});
