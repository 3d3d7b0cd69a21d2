/**
 * Fails an event whose handler writes outside of its transaction, with the place in the user's code. For tests and
 * development: it costs a stack for each statement.
 *
 * Another pool, another DataSource and a promise that nobody awaits are seen; what another process or another driver
 * than pg writes is not.
 */
import { type AdapterDescription, ExactlyOnceError, hasCode, type Storage } from '@exactly-once/core';
import type { CallObserver, HandlerCall } from './handler-call.js';
import { isWrite, shortened } from './statement-kind.js';
import { watchStorage } from './watched-storage.js';

/**
 * To be put around the storage of a module in development:
 *
 *     const { detectEscapes } = await import('@exactly-once/testing'); // in forRootAsync, where this is not production
 *     return { …, storage: detectEscapes(typeOrmStorage()) };
 *
 * A write elsewhere throws EO_WRITE_ESCAPED, one that was not awaited EO_TRANSACTION_ENDED; either way nothing of the
 * event commits, also where its handler swallows the error. `testExactlyOnce` does this by itself.
 */
export function detectEscapes(storage: AdapterDescription<Storage>): AdapterDescription<Storage> {
  const create: AdapterDescription<Storage>['create'] = async (...dependencies) =>
    watchStorage(await storage.create(...dependencies), refuseEscapes());
  return { inject: storage.inject, create };
}

/** `late` is told of each that comes after its event's end, which nobody else hears of where no one awaits it. */
export function refuseEscapes(late: (error: ExactlyOnceError) => void = () => {}): CallObserver {
  const refuse = (call: HandlerCall, error: ExactlyOnceError): never => {
    call.scope.violation ??= error;
    throw error;
  };
  return {
    elsewhere(call, sql, site) {
      if (!isWrite(sql)) return;
      const error = escaped(call, sql, site);
      if (call.ended) late(error);
      refuse(call, error);
    },
    late(_, error) {
      late(error);
    },
    returned(call, failure) {
      if (failure === null && call.unfinished.size > 0) refuse(call, unfinished(call));
      const { violation } = call.scope;
      if (failure !== null && hasCode(violation, 'EO_WRITE_ESCAPED')) throw violation; // an ORM has wrapped it
    },
  };
}

function escaped({ handler, ended }: HandlerCall, sql: string, site: string | null): ExactlyOnceError {
  const when = ended ? ', after its event had ended' : '';
  const what = `${handler} wrote outside of its event's transaction${when}${at(site)}: ${shortened(sql)}`;
  return new ExactlyOnceError('EO_WRITE_ESCAPED', what, {
    details: { handler, site, statement: shortened(sql) },
  });
}

function unfinished({ handler, unfinished }: HandlerCall): ExactlyOnceError {
  const sites = [...unfinished].map(({ what, site }) => `${what}${at(site)}`);
  const message = `${handler} returned before it had awaited ${sites.join(' and ')}`;
  const [{ site = null } = {}] = unfinished;
  return new ExactlyOnceError('EO_TRANSACTION_ENDED', message, { details: { handler, site } });
}

function at(site: string | null): string {
  return site === null ? '' : ` at ${site}`;
}
