/**
 * Finds out at start whether our handlers were made with the application's own configuration: without
 * `inheritAppConfig` its global pipes, guards, interceptors and filters would silently not apply.
 *
 * Nest asks the configuration for the global interceptors when it makes a handler, before it reads what the method
 * itself says. We listen for that question from the connection until all handlers are made, and put everything back.
 */
import type { ModuleRef } from '@nestjs/core';

/** Nest's ApplicationConfig, as far as it is used. */
export interface AppConfig {
  getGlobalPipes(): unknown[];
  getGlobalRequestPipes(): unknown[];
  getGlobalGuards(): unknown[];
  getGlobalInterceptors(): unknown[];
  getGlobalRequestInterceptors(): unknown[];
  getGlobalFilters(): unknown[];
}

export class AppConfigWatch {
  readonly #config: AppConfig | undefined;
  readonly #original: AppConfig['getGlobalInterceptors'] | undefined;
  #making = false;
  #asked = false;
  #inherited: boolean | null = null;

  /** `asked`: called where a handler is being made with the application's own configuration. */
  constructor(moduleRef: ModuleRef, asked: (config: AppConfig) => void) {
    // Nest does not hand its configuration out; where a release keeps it elsewhere, nothing is watched.
    const { container } = moduleRef as unknown as { container?: { applicationConfig?: AppConfig } };
    const config = container?.applicationConfig;
    this.#config = config;
    this.#original = config?.getGlobalInterceptors;
    if (config === undefined || this.#original === undefined) return;
    const original = this.#original;
    const hear = () => {
      this.#asked = true;
      if (!this.#making) return;
      this.#making = false; // whoever hears of it may ask the configuration, too
      asked(config);
    };
    config.getGlobalInterceptors = function ask(this: AppConfig) {
      hear();
      return original.call(this);
    };
  }

  /** To be called before Nest makes a handler: what others asked before does not count. */
  handlerComes(): void {
    this.#making = true;
    this.#asked = false;
  }

  /** To be called when a handler came; the question has been asked by the first, or never will be. */
  handlerCame(): void {
    this.#inherited ??= this.#asked;
  }

  /** To be called when no further handler is made. */
  end(): void {
    if (this.#config === undefined || this.#original === undefined) return;
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
