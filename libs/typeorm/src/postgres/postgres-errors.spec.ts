import { ExactlyOnceError } from '@exactly-once/core';
import { describe, expect, it } from '@jest/globals';
import { markAborted, markConnectionLost, sqlState, translateError } from './postgres-errors.js';

/** As pg makes them. */
const answer = (code: string) => Object.assign(new Error(`answer ${code}`), { code, severity: 'ERROR' });
/** As TypeORM wraps them. */
const wrapped = (driverError: Error) =>
  Object.assign(new Error('QueryFailedError'), {
    driverError,
    code: (driverError as { code?: string }).code,
  });

describe('translateError', () => {
  it.each([
    ['40001', 'EO_SERIALIZATION_FAILURE'],
    ['40P01', 'EO_SERIALIZATION_FAILURE'],
    ['55P03', 'EO_SERIALIZATION_FAILURE'],
    ['08006', 'EO_STORAGE_UNAVAILABLE'],
    ['08P01', 'EO_STORAGE_UNAVAILABLE'],
    ['57P01', 'EO_STORAGE_UNAVAILABLE'],
    ['57P02', 'EO_STORAGE_UNAVAILABLE'],
    ['57P03', 'EO_STORAGE_UNAVAILABLE'],
    ['25P03', 'EO_STORAGE_UNAVAILABLE'],
    ['53300', 'EO_STORAGE_UNAVAILABLE'],
    ['25P02', 'EO_TRANSACTION_ABORTED'],
  ])('knows %s however it is wrapped', (state, code) => {
    const error = new Error('handler', { cause: wrapped(answer(state)) });

    expect(translateError(error)).toMatchObject({ code, cause: error });
  });

  it.each(['23505', '42601', '57014', '22P02'])('leaves %s to whoever caused it', (state) => {
    const error = wrapped(answer(state));

    expect(translateError(error)).toBe(error);
  });

  it("does not take an operating system's code for a SQLSTATE", () => {
    const error = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });

    expect(sqlState(error)).toBeNull();
    expect(translateError(error)).toBe(error);
    expect(translateError(markConnectionLost(error))).toMatchObject({ code: 'EO_STORAGE_UNAVAILABLE' });
  });

  it('knows a lost connection of ours, and not that of a provider the handler called', () => {
    const ours = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    const theirs = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    markConnectionLost(ours);

    expect(translateError(new Error('x', { cause: ours }))).toMatchObject({ code: 'EO_STORAGE_UNAVAILABLE' });
    expect(translateError(theirs)).toBe(theirs);
  });

  it('names what ended the connection rather than what met its end', () => {
    const reason = answer('57P01');
    const error = markConnectionLost(new Error('Client has encountered a connection error'), reason);

    expect(translateError(error)).toMatchObject({ code: 'EO_STORAGE_UNAVAILABLE', cause: reason });
  });

  it('names what aborted a transaction rather than what met it aborted', () => {
    const [first, met] = [answer('23505'), answer('25P02')];
    markAborted(met, first);

    expect(translateError(wrapped(met))).toMatchObject({ code: 'EO_TRANSACTION_ABORTED', cause: first });
  });

  it('leaves what is translated, what is no error, and what loops', () => {
    const done = new ExactlyOnceError('EO_FENCED', 'x');
    const loop = new Error('loop');
    loop.cause = loop;

    expect([done, 'text', null, undefined, loop].map(translateError)).toEqual([
      done,
      'text',
      null,
      undefined,
      loop,
    ]);
  });
});
