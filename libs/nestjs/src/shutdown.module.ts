/**
 * Ends consuming before anything of the application ends, and the engines once nothing of it runs any more.
 *
 * Nest calls the shutdown hooks module by module, nearest to the root first, and closes HTTP and the servers between
 * `beforeApplicationShutdown` and `onApplicationShutdown`. A DataSource goes in the latter, in a global module: last.
 */
import { Injectable, Module, type OnApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { Runtime } from './runtime.js';

@Injectable()
class ShutdownHooks implements OnModuleDestroy, OnApplicationShutdown {
  constructor(
    private readonly runtime: Runtime,
    modules: ModulesContainer,
  ) {
    for (const module of modules.values()) {
      if (module.metatype === ShutdownModule) module.distance = -1; // before the root, whose distance is 1
    }
  }

  /** No handler runs any more when the application's own hooks close what it needs. */
  async onModuleDestroy(): Promise<void> {
    await this.runtime.drain();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.runtime.stop();
  }
}

@Module({ providers: [ShutdownHooks] })
export class ShutdownModule {}
