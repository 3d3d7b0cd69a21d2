/**
 * Applications on in-memory ports, for tests that need neither database nor broker.
 */
import { ExactlyOnceModule, type ExactlyOnceOptions } from '@exactly-once/nestjs';
import { InMemoryBroker, InMemoryStorage } from '@exactly-once/testing';
import { Module, type ModuleMetadata, type Type } from '@nestjs/common';

export const quiet = { logger: false, abortOnError: false } as const;

export class MemoryApplication {
  readonly broker = new InMemoryBroker();

  options(options: Partial<ExactlyOnceOptions> = {}): ExactlyOnceOptions {
    return {
      service: 'test',
      unhandled: 'skip',
      retention: false,
      storage: { inject: [], create: () => new InMemoryStorage() },
      broker: { inject: [], create: () => this.broker },
      ...options,
    };
  }

  module(metadata: ModuleMetadata = {}, options: Partial<ExactlyOnceOptions> = {}): Type {
    const root = ExactlyOnceModule.forRoot(this.options(options));

    @Module({ ...metadata, imports: [root, ...(metadata.imports ?? [])] })
    class MainModule {}
    return MainModule;
  }

  feed(topic: string, type: string, id: string): void {
    const headers = { ce_specversion: '1.0', ce_id: id, ce_source: 'test', ce_type: type };
    this.broker.append(topic, { headers, body: '{}' });
  }
}
