/** What `ExactlyOnceModule.forRoot` takes. */
import {
  type AdapterDescription,
  type Broker,
  checkOptions,
  type EngineOptions,
  ExactlyOnceError,
  type Storage,
} from '@exactly-once/core';

type Derived = 'storage' | 'broker' | 'handlers' | 'foreignHandlers' | 'types';

export interface ExactlyOnceOptions extends Omit<EngineOptions, Derived> {
  /** Name of a further instance in the same application. Default: the unnamed one. */
  readonly name?: string;
  /** For example `typeOrmStorage()` of @exactly-once/typeorm. */
  readonly storage: AdapterDescription<Storage>;
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

const known = [
  'name',
  'service',
  'group',
  'serviceVersion',
  'storage',
  'broker',
  'unhandled',
  'validate',
  'retiredHandlers',
  'startFrom',
  'codec',
  'foreignTopics',
  'retry',
  'batch',
  'dedupCacheSize',
  'relay',
  'retention',
  'shutdownMs',
  'logger',
  'telemetry',
  'clock',
  'random',
];

/** Throws EO_OPTION_UNKNOWN, EO_OPTION_MISSING and EO_OPTION_INVALID; the engine checks the rest. */
export function checkModuleOptions(options: ExactlyOnceOptions): ExactlyOnceOptions {
  checkOptions('ExactlyOnceModule.forRoot()', options, known);
  if (options.storage === undefined) {
    throw new ExactlyOnceError('EO_OPTION_MISSING', 'ExactlyOnceModule.forRoot() has no `storage`');
  }
  if (options.broker === null) {
    throw new ExactlyOnceError('EO_OPTION_INVALID', '`broker` is null: leave it out, or say `false`');
  }
  return options;
}
