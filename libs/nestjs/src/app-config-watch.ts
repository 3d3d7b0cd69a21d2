/**
 * Finds out at start whether our handlers were made with the application's own configuration: without
 * `inheritAppConfig` its global pipes, guards, interceptors and filters would silently not apply.
 *
 * Nest asks the configuration for the global interceptors when it makes a handler. We listen for that question
 * from the connection until the first handler comes, and put everything back.
 */
import type { ModuleRef } from '@nestjs/core';

/** Nest's ApplicationConfig, as far as it is used. */
interface AppConfig {
  getGlobalPipes(): unknown[];
  getGlobalGuards(): unknown[];
  getGlobalInterceptors(): unknown[];
  getGlobalFilters(): unknown[];
}

export class AppConfigWatch {
  readonly #config: AppConfig | undefined;
  readonly #original: AppConfig['getGlobalInterceptors'] | undefined;
  #asked = false;
  #inherited: boolean | null = null;

  constructor(moduleRef: ModuleRef) {
    // Nest does not hand its configuration out; where a release keeps it elsewhere, nothing is watched.
    const { container } = moduleRef as unknown as { container?: { applicationConfig?: AppConfig } };
    this.#config = container?.applicationConfig;
    this.#original = this.#config?.getGlobalInterceptors;
    if (this.#config === undefined || this.#original === undefined) return;
    const original = this.#original;
    this.#config.getGlobalInterceptors = function ask(this: AppConfig) {
      watch.#asked = true;
      return original.call(this);
    };
    const watch = this;
  }

  /** To be called before Nest makes a handler: what others asked before does not count. */
  handlerComes(): void {
    this.#asked = false;
  }

  /** To be called when the first handler came; the question has been asked by then, or never will be. */
  handlerCame(): void {
    if (this.#inherited !== null || this.#config === undefined || this.#original === undefined) return;
    this.#inherited = this.#asked;
    this.#config.getGlobalInterceptors = this.#original;
  }

  /** What of the application does not apply to our handlers; empty where all does. */
  missing(): string[] {
    const config = this.#config;
    if (this.#inherited !== false || config === undefined) return [];
    const counts: Record<string, number> = {
      pipes: config.getGlobalPipes().length,
      guards: config.getGlobalGuards().length,
      interceptors: config.getGlobalInterceptors().length,
      filters: config.getGlobalFilters().length,
    };
    return Object.keys(counts).filter((kind) => counts[kind]! > 0);
  }
}
