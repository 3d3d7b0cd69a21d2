/**
 * Health for @nestjs/terminus: `health.check([() => exactlyOnce.isHealthy('events')])`. Needs no terminus itself.
 */
import type { EngineHealth } from '@exactly-once/core';
import { Injectable } from '@nestjs/common';
import { Runtime } from './runtime.js';

/** As terminus's HealthIndicatorResult. */
export type ExactlyOnceHealthResult = Record<
  string,
  { readonly status: 'up' | 'down'; readonly instances: Readonly<Record<string, EngineHealth>> }
>;

@Injectable()
export class ExactlyOnceHealthIndicator {
  constructor(private readonly runtime: Runtime) {}

  /**
   * Down where a part of any instance is: the database or the broker out of reach, a consumer that died or stopped,
   * no progress for twice a handler's time, or a handler that is connected to nothing.
   */
  isHealthy(key: string): ExactlyOnceHealthResult {
    const instances: Record<string, EngineHealth> = {};
    for (const instance of this.runtime.instances) instances[instance.name] = instance.health();
    const down = Object.values(instances).some((one) => one.status === 'down');
    return { [key]: { status: down ? 'down' : 'up', instances } };
  }
}
