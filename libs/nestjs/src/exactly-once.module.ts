/**
 * `ExactlyOnceModule`: puts instances into an application. A domain module has no `forRoot`.
 */
import {
  type DynamicModule,
  type FactoryProvider,
  Global,
  Module,
  type ModuleMetadata,
  type Provider,
} from '@nestjs/common';
import { DeadLetters } from './dead-letters.service.js';
import { isForDryRuns } from './dry-run-application.js';
import { ExactlyOnceHealthIndicator } from './exactly-once.health.js';
import { checkModuleOptions, type ExactlyOnceOptions } from './exactly-once.options.js';
import { ExactlyOnce } from './exactly-once.service.js';
import { IdempotencyInterceptor } from './idempotency.interceptor.js';
import { Instance } from './instance.js';
import { OutboxRepository } from './outbox.repository.js';
import { Runtime } from './runtime.js';
import { ShutdownModule } from './shutdown.module.js';
import {
  deadLettersToken,
  defaultInstance,
  featureToken,
  instanceToken,
  optionsToken,
  outboxToken,
  serviceToken,
} from './tokens.js';

export interface ExactlyOnceAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  /** Name of a further instance; known before the options are. */
  readonly name?: string;
  readonly inject?: FactoryProvider['inject'];
  readonly useFactory: (
    // biome-ignore lint/suspicious/noExplicitAny: what is injected has any type
    ...dependencies: any[]
  ) => Omit<ExactlyOnceOptions, 'name'> | Promise<Omit<ExactlyOnceOptions, 'name'>>;
}

/** Stands once in an application, however many instances there are. */
@Global()
@Module({
  providers: [Runtime, ExactlyOnceHealthIndicator, IdempotencyInterceptor],
  exports: [Runtime, ExactlyOnceHealthIndicator, IdempotencyInterceptor],
})
class RuntimeModule {}

/** Made anew for each name; see `ExactlyOnceModule.forFeature`. */
@Module({})
class FeatureModule {}

@Module({})
export class ExactlyOnceModule {
  /** One instance. Global, once for each name. Throws EO_OPTION_UNKNOWN and EO_OPTION_MISSING. */
  static forRoot(options: ExactlyOnceOptions): DynamicModule {
    const checked = checkModuleOptions(options);
    const name = options.name ?? defaultInstance;
    return rootModule(name, [{ provide: optionsToken(name), useValue: checked }], []);
  }

  /** The same, with options that are computed or injected. */
  static forRootAsync({
    name = defaultInstance,
    imports = [],
    inject = [],
    useFactory,
  }: ExactlyOnceAsyncOptions): DynamicModule {
    const options: FactoryProvider = {
      provide: optionsToken(name),
      inject,
      useFactory: async (...dependencies: unknown[]) => checkModuleOptions(await useFactory(...dependencies)),
    };
    return rootModule(name, [options], imports);
  }

  /** In a domain module's imports: its handlers, OutboxRepository, ExactlyOnce and DeadLetters are the named instance's. */
  static forFeature(name: string = defaultInstance): DynamicModule {
    return {
      module: FeatureModule,
      providers: [
        { provide: featureToken, useValue: name },
        { provide: OutboxRepository, useExisting: outboxToken(name) },
        { provide: ExactlyOnce, useExisting: serviceToken(name) },
        { provide: DeadLetters, useExisting: deadLettersToken(name) },
      ],
      exports: [OutboxRepository, ExactlyOnce, DeadLetters],
    };
  }
}

function rootModule(
  name: string,
  options: Provider[],
  imports: NonNullable<ModuleMetadata['imports']>,
): DynamicModule {
  const providers: Provider[] = [
    ...options,
    {
      provide: instanceToken(name),
      inject: [Runtime, optionsToken(name)],
      useFactory: (runtime: Runtime, given: ExactlyOnceOptions) =>
        runtime.add(new Instance(name, given, isForDryRuns())),
    },
    {
      provide: outboxToken(name),
      inject: [instanceToken(name)],
      useFactory: (instance: Instance) => new OutboxRepository(instance),
    },
    {
      provide: serviceToken(name),
      inject: [instanceToken(name)],
      useFactory: (instance: Instance) => new ExactlyOnce(instance),
    },
    {
      provide: deadLettersToken(name),
      inject: [instanceToken(name)],
      useFactory: (instance: Instance) => new DeadLetters(instance),
    },
  ];
  const exported: NonNullable<ModuleMetadata['exports']> = [
    instanceToken(name),
    outboxToken(name),
    serviceToken(name),
    deadLettersToken(name),
  ];
  if (name === defaultInstance) {
    providers.push({ provide: OutboxRepository, useExisting: outboxToken(name) });
    providers.push({ provide: ExactlyOnce, useExisting: serviceToken(name) });
    providers.push({ provide: DeadLetters, useExisting: deadLettersToken(name) });
    exported.push(OutboxRepository, ExactlyOnce, DeadLetters);
  }
  return {
    module: ExactlyOnceModule,
    global: true,
    imports: [RuntimeModule, ShutdownModule, ...imports],
    providers,
    exports: exported,
  };
}
