/**
 * What one run stands on: a database and a topic of its own, and processes of a contestant on them. All of it is gone
 * when the run is over.
 */
import { until } from '../../services/ports.js';
import type { TestDatabase } from '../../services/postgres.js';
import type { Contestant, Stage } from './benchmark.js';
import { ContestantProcess } from './contestant-process.js';
import { countEffects, createLedger, fencesStand } from './ledger.js';

export const partitions = 4;
/** Milliseconds after which a run that has not ended is given up: in all, and for each event. */
const patienceMs = { all: 300_000, event: 2 };
/** Where nothing disturbs it; the books then say what is missing. */
const usualStallMs = 10_000;
/** Counting rows costs the contestant; where the end is timed by the look, a cheap one is taken more often. */
const usualEveryMs = 250;

export interface Looking {
  /** Milliseconds without progress after which no more is waited for. */
  readonly stallMs?: number;
  /** Milliseconds between two looks. */
  readonly everyMs?: number;
}

export interface Ground {
  readonly stage: Stage;
  readonly database: TestDatabase;
  readonly topic: string;
  readonly group: string;
  /** Runs the contestant while `work` lasts, or what is given instead of it. */
  readonly running: <T>(
    work: (process: ContestantProcess) => Promise<T>,
    instead?: Partial<Pick<Contestant, 'program' | 'setting' | 'name'>>,
  ) => Promise<T>;
  /** Resolves when `count` says as many as were asked for, or says the same for long. Rejects where the process ended. */
  readonly counted: (
    process: ContestantProcess,
    asked: number,
    count: () => Promise<number>,
    looking?: Looking,
  ) => Promise<void>;
}

export async function onGround<T>(
  { name, program, setting = '' }: Contestant,
  stage: Stage,
  work: (ground: Ground) => Promise<T>,
): Promise<T> {
  const { events, postgres, kafka, interrupted, profiles, log } = stage;
  const database = await postgres.createDatabase('bench');
  try {
    const topic = await kafka.createTopic('bench', { partitions });
    await createLedger(database);
    const group = kafka.group('bench');
    const request = { databaseUrl: database.url, brokers: kafka.brokers, topic, group, events, setting };
    const running: Ground['running'] = async (during, instead = {}) => {
      const process = new ContestantProcess(
        instead.program ?? program,
        { ...request, setting: instead.setting ?? setting },
        { name: instead.name ?? 'bench', profiles, log },
      );
      try {
        return await during(process);
      } finally {
        await process.stop();
      }
    };
    const counted: Ground['counted'] = async (process, asked, count, looking = {}) => {
      const { stallMs = usualStallMs, everyMs = usualEveryMs } = looking;
      let [seen, sinceMs] = [0, Date.now()];
      const over = async () => {
        interrupted.throwIfAborted();
        const ended = process.ended;
        const now = await count();
        if (now < asked && ended !== null) throw new Error(`${name} ${ended}`);
        if (now !== seen) [seen, sinceMs] = [now, Date.now()];
        return now >= asked || (now > 0 && Date.now() - sinceMs > stallMs);
      };
      const mostMs = patienceMs.all + asked * patienceMs.event;
      await until(`${name} has handled ${asked} events`, over, mostMs, everyMs);
    };
    return await work({ stage, database, topic, group, running, counted });
  } finally {
    await database.drop();
    await kafka.cleanUp();
  }
}

/** Runs the contestant until there are as many effects as events; milliseconds of its first records. */
export function allHandled({ stage, database, running, counted }: Ground): Promise<number> {
  return running(async (process) => {
    await counted(process, stage.events, () => countEffects(database));
    return process.startedAtMs;
  });
}

/** Records behind the group's position: in the database where it stands there, else at the broker. */
export async function passed({ stage, database, group, topic }: Ground): Promise<number> {
  const fences = await fencesStand(database);
  if (fences !== null) return fences;
  const committed = await stage.kafka.committed(group, topic).catch(none); // its coordinator may not be found yet
  return [...committed.values()].reduce((sum, offset) => sum + Math.max(Number(offset), 0), 0);
}

function none(): Map<number, bigint> {
  return new Map();
}
