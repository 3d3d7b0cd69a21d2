/** What a benchmark is made of, and what a run of a contestant gives. */
export interface Contestant {
  readonly name: string;
  /** Compiled program beside this one that runs it, in a process of its own. */
  readonly program: string;
  /** Given to the program. */
  readonly setting?: string;
}

export interface Benchmark {
  readonly name: string;
  readonly unit: 'events/s';
  readonly partitions: number;
  readonly contestants: readonly Contestant[];
  /** Pairs of contestants whose ratio is reported, by the ratio's name. */
  readonly ratios: Readonly<Record<string, readonly [over: string, under: string]>>;
}

/** What a contestant's process is told. */
export interface RunRequest {
  readonly databaseUrl: string;
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly group: string;
  readonly events: number;
  readonly setting: string;
}

export interface RunResult {
  readonly contestant: string;
  /** Events a second, from the first record that the contestant is handed to its last effect. */
  readonly rate: number;
  /** Why the run does not count; \`null\` where it does. */
  readonly fault: string | null;
}
