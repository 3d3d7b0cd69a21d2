/**
 * What a benchmark is made of, and what a run of one of its contestants gives. A benchmark knows how to run a
 * contestant once; `run-benchmark.ts` interleaves and repeats, `report.ts` sums up.
 */
import type { KafkaCluster } from '../../services/kafka.js';
import type { PostgresServer } from '../../services/postgres.js';

export interface Contestant {
  readonly name: string;
  /**
   * Compiled program that runs it, in a process of its own; a path under the compiled `test/bench`. Below `apart/` it
   * is a peer, which stands on packages of its own.
   */
  readonly program: string;
  /** Given to the program. */
  readonly setting?: string;
  /** Where its run is not the benchmark's. */
  readonly run?: Run;
  /** A line for the legend. A peer says how it is configured, as its own documentation advises for speed. */
  readonly note?: string;
}

/** Runs a contestant once, on fresh tables, topics and groups. Rejects where it does not get to its end. */
export type Run = (contestant: Contestant, stage: Stage) => Promise<Measured>;

export interface Stage {
  readonly events: number;
  readonly postgres: PostgresServer;
  readonly kafka: KafkaCluster;
  /** Aborts when the whole is interrupted: the run rejects and leaves nothing behind. */
  readonly interrupted: AbortSignal;
  /** Folder for a CPU profile of each process; by default none is taken. */
  readonly profiles?: string;
  /** Folder for what the processes of a run say; by default that goes where the harness writes. */
  readonly logs?: string;
  /** File in it, of this run. */
  readonly log?: string;
  /** Only to see that it runs: what takes its time by design, a broker that is away say, takes a moment. */
  readonly smoke?: boolean;
  /** Most rows of the benchmark `growth`. */
  readonly rows?: number;
}

/** Of one run: how fast, and what is wrong with its books. */
export interface Measured {
  /** In the benchmark's unit. */
  readonly rate: number;
  /** Lost, doubled, torn; empty where the run counts. */
  readonly findings: readonly string[];
  /** What else was measured, by name. */
  readonly figures?: Readonly<Record<string, number>>;
  /** How it went over time, or over what the benchmark says. */
  readonly series?: Series;
}

/** Points of a line, with x rising. */
export type Series = readonly (readonly [x: number, y: number])[];

/** What the report knows of a contestant. */
export interface Standing {
  readonly name: string;
  readonly median: number | null;
  readonly figures?: Readonly<Record<string, number>>;
  readonly void: boolean;
}

export interface Benchmark {
  readonly name: string;
  /** In one line, for the list. */
  readonly about: string;
  /** Of its figures; of milliseconds, seconds and MiB less is better. */
  readonly unit: 'events/s' | 'transactions/s' | 'ms' | 's' | 'MiB';
  /** In each run, where nothing else is said. */
  readonly events: number;
  readonly contestants: readonly Contestant[];
  /** Pairs of contestants whose ratio is reported, by the ratio's name. */
  readonly ratios: Readonly<Record<string, readonly [over: string, under: string]>>;
  readonly run: Run;
  /** What is reported beside the ratios of medians; a contestant that is void gives nothing to it. */
  readonly derived?: (contestants: readonly Standing[]) => Readonly<Record<string, number | null>>;
  /** Where contestants have series: what their axes show. */
  readonly axes?: { readonly x: string; readonly y: string; readonly logarithmic?: boolean };
  /** As small as can be, and each program once: to see that it runs and that its books are clean. */
  readonly smoke: { readonly events: number; readonly only?: readonly string[] };
}

export interface RunResult {
  readonly contestant: string;
  /** What its processes said, where it is void and they said anything: a file. */
  readonly log?: string;
  /** `null` where the run did not get to its end. */
  readonly rate: number | null;
  /** Why the run does not count; `null` where it does. */
  readonly fault: string | null;
  readonly figures?: Readonly<Record<string, number>>;
  readonly series?: Series;
}
