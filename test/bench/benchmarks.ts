/**
 * All benchmarks, in the order in which they are listed, in the documentation too: consuming, then publishing, then what
 * is not a rate.
 */
import { consumeBenchmark } from './consume-benchmark.js';
import { contendedBenchmark } from './contended-benchmark.js';
import { failuresBenchmark } from './failures-benchmark.js';
import { growthBenchmark } from './growth/growth-benchmark.js';
import type { Benchmark } from './harness/benchmark.js';
import { kafkaBenchmark } from './kafka-benchmark.js';
import { latencyBenchmark } from './latency/latency-benchmark.js';
import { loneBenchmark } from './lone-benchmark.js';
import { memoryBenchmark } from './memory/memory-benchmark.js';
import { outboxBenchmark } from './outbox/outbox-benchmark.js';
import { recoveryBenchmark } from './recovery/recovery-benchmark.js';
import { backlogBenchmark } from './relay/backlog-benchmark.js';
import { relayBenchmark } from './relay/relay-benchmark.js';
import { taxBenchmark } from './tax/tax-benchmark.js';

export const benchmarks: readonly Benchmark[] = [
  consumeBenchmark,
  contendedBenchmark,
  failuresBenchmark,
  taxBenchmark,
  kafkaBenchmark,
  outboxBenchmark,
  relayBenchmark,
  backlogBenchmark,
  latencyBenchmark,
  loneBenchmark,
  growthBenchmark,
  recoveryBenchmark,
  memoryBenchmark,
];
