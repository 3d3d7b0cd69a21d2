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
  /** For example `kafkaBroker({ … })` of @exactly-once/kafka. Left out: outbox and inbox without consuming. */
  readonly broker?: AdapterDescription<Broker>;
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

/** Throws EO_OPTION_UNKNOWN and EO_OPTION_MISSING; the engine checks the rest. */
export function checkModuleOptions(options: ExactlyOnceOptions): ExactlyOnceOptions {
  checkOptions('ExactlyOnceModule.forRoot()', options, known);
  if (options.storage === undefined) {
    throw new ExactlyOnceError('EO_OPTION_MISSING', 'ExactlyOnceModule.forRoot() has no `storage`');
  }
  return options;
}
