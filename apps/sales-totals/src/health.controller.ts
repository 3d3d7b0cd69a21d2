/**
 * `GET /health`: 200 where everything works, 503 where it does not, with what does not. For a load balancer or an
 * orchestrator. It comes back by itself when the broker does, so this is readiness, not liveness.
 */
import { ExactlyOnceHealthIndicator } from '@exactly-once/nestjs';
import { Controller, Get } from '@nestjs/common';
import { HealthCheck, type HealthCheckResult, HealthCheckService } from '@nestjs/terminus';

@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly exactlyOnce: ExactlyOnceHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check(): Promise<HealthCheckResult> {
    return this.health.check([() => this.exactlyOnce.isHealthy('events')]);
  }
}
