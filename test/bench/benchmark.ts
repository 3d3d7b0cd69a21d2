/**
 * What a benchmark is made of, and what a run of one of its contestants gives. A benchmark knows how to run a
 * contestant once; `run-benchmark.ts` interleaves and repeats, `report.ts` sums up.
 */
import type { KafkaCluster } from '../services/kafka.js';
import type { PostgresServer } from '../services/postgres.js';

export interface Contestant {
  readonly name: string;
  /** Compiled program that runs it, in a process of its own; a path under the compiled `test/bench`. */
  readonly program: string;
  /** Given to the program. */
  readonly setting?: string;
  /** Where its run is not the benchmark's. */
  readonly run?: Run;
}

/** Runs a contestant once, on fresh tables, topics and groups. Rejects where it does not get to its end. */
export type Run = (contestant: Contestant, stage: Stage) => Promise<Measured>;

export interface Stage {
  readonly events: number;
  readonly postgres: PostgresServer;
  readonly kafka: KafkaCluster;
  /** Aborts when the whole is interrupted: the run rejects and leaves nothing behind. */
  readonly interrupted: AbortSignal;
}

/** Of one run: how fast, and what is wrong with its books. */
export interface Measured {
  /** In the benchmark's unit. */
  readonly rate: number;
  /** Lost, doubled, torn; empty where the run counts. */
  readonly findings: readonly string[];
  /** What else was measured, by name. */
  readonly figures?: Readonly<Record<string, number>>;
}

export interface Benchmark {
  readonly name: string;
  readonly unit: 'events/s' | 'transactions/s' | 'ms';
  /** In each run, where nothing else is said. */
  readonly events: number;
  readonly contestants: readonly Contestant[];
  /** Pairs of contestants whose ratio is reported, by the ratio's name. */
  readonly ratios: Readonly<Record<string, readonly [over: string, under: string]>>;
  readonly run: Run;
}

export interface RunResult {
  readonly contestant: string;
  /** `null` where the run did not get to its end. */
  readonly rate: number | null;
  /** Why the run does not count; `null` where it does. */
  readonly fault: string | null;
  readonly figures?: Readonly<Record<string, number>>;
}
