import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { BrokerName } from './broker/broker-ground.js';
import type { TransactionMode } from './harness/fault-case.js';
import type { RunReport } from './harness/run-case.js';
import type { PlantedBug } from './worker/worker-plan.js';

const program = 'dist-test/test/faults/main.js';

interface Runs {
  /** Several in one process. */
  readonly cases: readonly number[];
  readonly seed: number;
  readonly broker?: BrokerName;
  readonly transaction?: TransactionMode;
  readonly plant?: PlantedBug;
  /** Of several cases of a number only those that are cheap. */
  readonly quick?: true;
  /** Seconds: where a remedy is missing, nobody waits long for what does not come. */
  readonly patience: number;
}

interface Planted {
  readonly title: string;
  readonly runs: Runs & { readonly plant: PlantedBug };
  readonly isRed: (report: RunReport) => void;
}

/** Lost, and not merely given up by an impatient runner: what was there has been worked off. */
function isLost({ counts, findings }: RunReport): void {
  expect(counts.L).toBeGreaterThan(0);
  expect(findings.join('\n')).not.toContain('in vain until all is processed');
}

const planted: readonly Planted[] = [
  {
    title: 'the window ignored: what the pruner forgot too early runs again (case 66)',
    runs: { cases: [66], seed: 1, plant: 'window-ignored', broker: 'database', patience: 10 },
    isRed: ({ counts }) => expect(counts.D).toBeGreaterThan(0),
  },
  {
    title: 'nothing runs under a mark: the event that kills is never parked (case 51)',
    runs: { cases: [51], seed: 10, plant: 'no-marks', broker: 'database', patience: 10 },
    isRed: ({ findings }) => expect(findings.join('\n')).toContain('and there is no end'),
  },
  {
    title: 'what was published outlives the rollback: an event of a transaction that never was (case 29)',
    runs: { cases: [29], seed: 1, plant: 'outbox-survives', broker: 'database', patience: 10 },
    isRed: ({ counts }) => expect(counts.P).toBeGreaterThan(0),
  },
  {
    title: 'a fault that does not come counts as a finding, however clean the rest is (case 3)',
    runs: { cases: [3], seed: 1, plant: 'no-fault', broker: 'database', patience: 4 },
    isRed: ({ fired, findings }) => {
      expect(fired).toBe(0);
      expect(findings.join('\n')).toContain('F: did not fire: SIGKILL');
    },
  },
  {
    title: 'fence dropped: the zombie is not refused (case 17)',
    runs: { cases: [17], seed: 1, plant: 'no-fence', patience: 30 },
    isRed: ({ findings }) => expect(findings.join('\n')).toContain('the zombie is refused by the fence'),
  },
  {
    title: 'fence dropped, the database as broker: the zombie is not refused (case 17)',
    runs: { cases: [17], seed: 5, plant: 'no-fence', broker: 'database', patience: 30 },
    isRed: ({ findings }) => expect(findings.join('\n')).toContain('the zombie is refused by the fence'),
  },
  {
    title: 'a transactional id for each process: nobody refuses the zombie (case 17, Kafka transactions)',
    runs: { cases: [17], seed: 2, plant: 'transactional-id-per-process', transaction: 'kafka', patience: 10 },
    isRed: ({ counts }) => expect(counts.D).toBeGreaterThan(0),
  },
  {
    title: 'offsets apart from the transaction: what was published comes again (case 5, Kafka transactions)',
    runs: { cases: [5], seed: 6, plant: 'offsets-apart', transaction: 'kafka', patience: 10 },
    isRed: ({ counts }) => expect(counts.D).toBeGreaterThan(0),
  },
  {
    title:
      'output apart from the transaction: it stands though that did not end (case 4, Kafka transactions)',
    runs: { cases: [4], seed: 4, plant: 'output-apart', transaction: 'kafka', patience: 10 },
    isRed: ({ counts }) => expect(counts.D).toBeGreaterThan(0),
  },
  {
    title: 'acknowledged before commit: what was in flight at the crash is lost (case 4)',
    runs: { cases: [4], seed: 12, plant: 'early-acknowledge', patience: 30 },
    isRed: (report) => {
      isLost(report);
      expect(report.findings.join('\n')).toMatch(/\d+ acknowledged, \d+ handled/);
    },
  },
  {
    title: 'log unchecked: the records of a recreated topic are passed by (case 22)',
    runs: { cases: [22], seed: 1, plant: 'log-unchecked', patience: 10 },
    isRed: (report) => {
      isLost(report);
      expect(report.findings.join('\n')).toContain('EO_LOG_CHANGED is told');
    },
  },
  {
    title: 'a collision counted as a failure: an event is given up that met 40001 (case 16)',
    runs: { cases: [16], seed: 5, plant: 'collision-counted', broker: 'database', patience: 30 },
    isRed: ({ findings }) => expect(findings.join('\n')).toContain('was dead-lettered, but is to be handled'),
  },
  {
    title: 'COMMIT unchecked: an event whose constraint failed there is neither done nor given up (case 42)',
    runs: { cases: [42], seed: 4, plant: 'commit-unchecked', broker: 'database', patience: 30 },
    isRed: (report) => {
      isLost(report);
      expect(report.fired).toBe(report.expected);
    },
  },
  {
    title: 'no inbox insert: a copy at another offset is handled again (case 20)',
    runs: { cases: [20], seed: 1, plant: 'no-inbox-insert', patience: 30 },
    isRed: ({ counts }) => expect(counts.D).toBeGreaterThan(0),
  },
  {
    // The position is rolled back with it: the event is not passed by, and its partition stands still.
    title: 'tag unchecked: an event whose handler swallowed an SQL error is never done (case 12)',
    runs: { cases: [12], seed: 1, plant: 'tag-unchecked', patience: 10 },
    isRed: ({ counts }) => expect(counts.V).toBeGreaterThan(0),
  },
  {
    title: 'outbox apart from its transaction: an event is published that was rolled back (case 12)',
    runs: { cases: [12], seed: 1, plant: 'outbox-apart', patience: 30 },
    isRed: ({ counts }) => {
      expect(counts.T).toBeGreaterThan(0);
      expect(counts.X).toBeGreaterThan(0);
    },
  },
  {
    title: 'ids locked in the order of delivery: copies deadlock (case 14)',
    runs: { cases: [14], seed: 1, plant: 'delivery-order', patience: 30 },
    isRed: ({ findings }) => expect(findings.join('\n')).toContain('no deadlock'),
  },
  {
    title: 'nobody is waited for: an event overtakes another of its key that commits later (case 28)',
    runs: { cases: [28], seed: 1, plant: 'no-hold-back', broker: 'database', patience: 30 },
    isRed: ({ counts, findings }) => {
      expect(counts.R).toBeGreaterThan(0);
      expect(findings.join('\n')).toContain('none is reordered on the topic');
    },
  },
  {
    title: 'a refused event does not hold its key: those behind it pass (case 36)',
    runs: { cases: [36], seed: 1, plant: 'dead-row-passed', quick: true, patience: 10 },
    isRed: ({ findings }) =>
      expect(findings.join('\n')).toContain('nothing passes a refused event of its key'),
  },
  {
    title: 'a parked event does not hold its key: those behind it pass (case 33)',
    runs: { cases: [33], seed: 1, plant: 'parked-passed', patience: 30 },
    isRed: ({ counts }) => expect(counts.R).toBeGreaterThan(0),
  },
];

/** The same with all remedies, as far as a run is short. Cases 3, 12, 14, 17, 20, 22, 33 and 36 are in `--quick`, with seed 1. */
const whole: readonly Runs[] = [
  { cases: [4], seed: 12, patience: 60 },
  { cases: [16, 17], seed: 5, broker: 'database', patience: 60 },
  { cases: [42], seed: 4, broker: 'database', patience: 60 },
  { cases: [28, 29], seed: 1, broker: 'database', patience: 60 },
];

async function run(folder: string, runs: Runs): Promise<RunReport[]> {
  const { cases, seed, broker = 'kafka', transaction = 'database', plant, quick, patience } = runs;
  const json = join(folder, `${cases}-${seed}-${broker}-${transaction}-${plant}.json`);
  const options = {
    ...{ case: String(cases), seed, broker, transaction, patience, json },
    ...(plant === undefined ? {} : { plant }),
  };
  const named = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const words = quick ? [...named, '--quick'] : named;
  const { code, told } = await new Promise<{ code: number; told: string }>((resolve) => {
    execFile(process.execPath, [program, ...words], (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), told: stdout + stderr });
    });
  });
  if (!existsSync(json)) throw new Error(`no report of ${words.join(' ')}: ${told}`);
  const reports = JSON.parse(await readFile(json, 'utf8')) as RunReport[];
  for (const { evidence } of reports) if (evidence !== null) await rm(evidence, { recursive: true });
  expect(code).toBe(reports.every(({ findings }) => findings.length === 0) ? 0 : 1);
  return reports;
}

type Settled = { readonly reports: RunReport[] } | { readonly error: unknown };

/** A red run waits for most of its time, so two go on at once. Each test awaits its own; none rejects before. */
function inPool<T extends Runs>(folder: string, all: readonly T[]): Map<Runs, Promise<Settled>> {
  let free = 2;
  const waiting: (() => void)[] = [];
  const start = async (one: Runs): Promise<Settled> => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return { reports: await run(folder, one) };
    } catch (error) {
      return { error };
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
  return new Map(all.map((one) => [one, start(one)]));
}

describe('the cases notice when a remedy is missing', () => {
  let folder: string;
  let running: Map<Runs, Promise<Settled>>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'eo-planted-'));
    running = inPool(folder, [...planted.map(({ runs }) => runs), ...whole]);
  });

  afterAll(async () => {
    await Promise.all(running.values());
    await rm(folder, { recursive: true });
  });

  const reportsOf = async (runs: Runs): Promise<RunReport[]> => {
    const settled = await running.get(runs)!;
    if ('error' in settled) throw settled.error;
    return settled.reports;
  };

  it.each(planted)(
    '$title',
    async ({ runs, isRed }) => {
      const [report] = await reportsOf(runs);

      isRed(report!);
    },
    240_000,
  );

  it('with every remedy in place the same runs are green', async () => {
    const reports = (await Promise.all(whole.map(reportsOf))).flat();

    expect(reports.flatMap(({ findings }) => findings)).toEqual([]);
    expect(reports.every(({ fired, expected }) => fired === expected && fired > 0)).toBe(true);
  }, 240_000);
});
