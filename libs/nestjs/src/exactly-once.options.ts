/** What `ExactlyOnceModule.forRoot` takes. */
import {
  type AdapterDescription,
  type Broker,
  checkOptions,
  type EngineOptions,
  ExactlyOnceError,
  engineOptionNames,
  type Storage,
} from '@exactly-once/core';

type Derived = 'storage' | 'broker' | 'handlers' | 'foreignHandlers' | 'types';

export interface ExactlyOnceOptions extends Omit<EngineOptions, Derived> {
  /** Name of a further instance in the same application. Default: the unnamed one. */
  readonly name?: string;
  /**
   * For example `typeOrmStorage()` of @exactly-once/typeorm. May be left out where every handler says
   * `transaction: 'kafka'`.
   */
  readonly storage?: AdapterDescription<Storage>;
  /**
   * For example `kafkaBroker({ … })` of @exactly-once/kafka. Default `databaseBroker()`: events go from the outbox
   * to the handlers of this and other processes on the same database, with no other server. `false`: nothing is
   * relayed or consumed here, the outbox only fills; for processes beside one that relays, and for bare handlers.
   * All processes on one database name the same broker.
   */
  readonly broker?: AdapterDescription<Broker> | false;
  /** Checks each event against its class's class-validator rules before its handler. Default true. */
  readonly validate?: boolean;
}

/** What the module finds out by itself: from the decorators, and from its bare handlers. */
const found = ['handlers', 'foreignHandlers', 'types'];
const known = ['name', 'validate', ...engineOptionNames.filter((name) => !found.includes(name))];

/** Throws EO_OPTION_UNKNOWN, EO_OPTION_MISSING and EO_OPTION_INVALID; the engine checks the rest. */
export function checkModuleOptions(options: ExactlyOnceOptions): ExactlyOnceOptions {
  checkOptions('ExactlyOnceModule.forRoot()', options, known);
  if (options.storage === undefined && !options.broker) {
    throw new ExactlyOnceError('EO_OPTION_MISSING', 'ExactlyOnceModule.forRoot() has no `storage`');
  }
  if (options.storage !== undefined) checkAdapter('storage', options.storage);
  if (options.validate !== undefined && typeof options.validate !== 'boolean') {
    throw new ExactlyOnceError(
      'EO_OPTION_INVALID',
      `\`validate\` is ${String(options.validate)}, not true or false`,
    );
  }
  if (options.broker === null) {
    throw new ExactlyOnceError('EO_OPTION_INVALID', '`broker` is null: leave it out, or say `false`');
  }
  if (options.broker !== undefined && options.broker !== false) checkAdapter('broker', options.broker);
  return options;
}

/** A factory that was not called looks much like what it gives, until something is created of it. */
function checkAdapter(option: string, given: Partial<AdapterDescription<unknown>>): void {
  if (Array.isArray(given.inject) && typeof given.create === 'function') return;
  const name = typeof given === 'function' ? (given as { name: string }).name : '';
  const what =
    name === ''
      ? `${typeof given}, not what an adapter gives`
      : `the function ${name} itself: call it, ${name}()`;
  throw new ExactlyOnceError('EO_OPTION_INVALID', `\`${option}\` is ${what}`);
}
