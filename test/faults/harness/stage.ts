/**
 * What one run has to itself: a database, topics, a group, a folder, and the workers that it starts. Cases act
 * through it; nothing of it is left afterwards.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { migrationSql } from '@exactly-once/typeorm';
import { until } from '../../services/ports.js';
import type { PostgresServer, TestDatabase } from '../../services/postgres.js';
import type { BrokerGround } from '../broker/broker-ground.js';
import type { Evidence } from '../record/evidence.js';
import { LineFile } from '../record/line-file.js';
import { type Message, MessageMint } from '../record/message.js';
import { countersSql, ledgerDdl } from '../worker/ledger.sql.js';
import { evidenceFile } from '../worker/witness.js';
import { type HandlerPlan, outputType, type PlantedBug, type WorkerPlan } from '../worker/worker-plan.js';
import { defaultPlan } from './default-plan.js';
import { outboxDepthSql, retriedKeysSql } from './observe.sql.js';
import { SeededRandom } from './seeded-random.js';
import { WorkerProcess } from './worker-process.js';

export interface Services {
  readonly postgres: PostgresServer;
  /** The broker of a run on this database. */
  readonly broker: (database: TestDatabase) => BrokerGround;
}

export interface StageOptions {
  readonly caseNumber: number;
  readonly seed: number;
  readonly folder: string;
  readonly planted: readonly PlantedBug[];
  /** Milliseconds until a run that does not come to rest is given up. */
  readonly patienceMs: number;
  /** Milliseconds for which faults go on that have no end of their own. */
  readonly durationMs: number;
}

/** Type and topic of the ordinary input. */
export const inputType = 'ledger.requested';

/** Where each topic of a run stands, and how many partitions it has. */
export interface Layout {
  readonly partitions: number;
  readonly handlers: readonly HandlerPlan[];
  /** Further types, each with a topic of its own. */
  readonly extraTypes?: readonly string[];
  /** Further types that are only published. */
  readonly outputTypes?: readonly string[];
  /** All that becomes part of the topics' names. */
  readonly prefix?: string;
}

/** Roles that bring new events. */
const sources = new Set<WorkerPlan['role']>(['produce', 'publish', 'deliver']);

/** Milliseconds for whatever is waited for after something that did not come. */
const afterStuckMs = 5_000;

/** There is nothing to wait for any more. */
class GivenUp extends Error {}

export class Stage {
  readonly random: SeededRandom;
  readonly mint: MessageMint;
  readonly workers: WorkerProcess[] = [];
  readonly stuck: string[] = [];
  /** Faults that were to fire, and whether they did. */
  readonly faults: { readonly what: string; readonly fired: boolean }[] = [];
  /** What the case looks for on top of the oracles, and what was not found. */
  readonly unmet: string[] = [];
  /** What the seed has chosen; the same for each run of it. */
  readonly schedule: Record<string, unknown> = {};
  /** What was seen on the way, and differs from run to run. */
  readonly measured: Record<string, unknown> = {};
  /** Messages whose copy may be published once more, under the ids of the first: Kafka transactions have no inbox. */
  readonly mayComeAgain = new Set<string>();
  /** Of a run that is too long to be judged as a whole: sources, with the workers that produced them. */
  readonly slices: { readonly source: string; readonly workers: string[] }[] = [];
  /** Errors that reach nobody are part of the case; else each is a liveness anomaly: it would end a process. */
  loudErrorsExpected = false;
  /** Both are made by `build` where the case has not brought one of its own. */
  database!: TestDatabase;
  broker!: BrokerGround;
  group = '';
  topics: Record<string, string> = {};
  handlers: readonly HandlerPlan[] = [];
  readonly #atEnd: (() => Promise<unknown>)[] = [];
  readonly #outputs = new Set<string>();
  #messages = 0;

  constructor(
    readonly services: Services,
    readonly options: StageOptions,
  ) {
    const { seed, caseNumber } = options;
    this.random = new SeededRandom(seed, `case ${caseNumber}`);
    this.mint = new MessageMint(`${caseNumber}/${seed}`);
    mkdirSync(options.folder, { recursive: true });
  }

  get folder(): string {
    return this.options.folder;
  }

  /** Makes database, topics and group. To be called first. */
  async build({
    partitions,
    handlers,
    extraTypes = [],
    outputTypes = [],
    prefix = 'faults',
  }: Layout): Promise<void> {
    const { postgres, broker } = this.services;
    this.handlers = handlers;
    this.database ??= await postgres.createDatabase('faults');
    this.broker ??= broker(this.database);
    this.group = this.broker.group(prefix);
    await this.database.query(migrationSql());
    await this.database.query(ledgerDdl);
    for (const type of [inputType, ...extraTypes]) {
      this.topics[type] = await this.broker.createTopic(`${prefix}-in`, partitions);
    }
    for (const type of [outputType, ...outputTypes]) {
      this.topics[type] = await this.broker.createTopic(`${prefix}-out`, 1);
      this.#outputs.add(type);
    }
  }

  /** Every message of the run is to be announced here before it is produced: its counters are made. */
  async prepareCounters(messages: readonly Message[]): Promise<void> {
    const keys = new Set(messages.map(({ attempt }) => attempt.key ?? ''));
    await this.database.query(countersSql, [this.handlers.map(({ name }) => name), [...keys]]);
    this.#messages += messages.length;
  }

  get messageCount(): number {
    return this.#messages;
  }

  evidence(): Evidence[] {
    return evidenceFile(this.folder).read();
  }

  /** Counts as a fault that fired, or did not. */
  fault(what: string, fired: boolean): void {
    this.faults.push({ what, fired });
  }

  /** Something that the case looks for on top of the oracles. */
  check(what: string, met: boolean): void {
    if (!met) this.unmet.push(what);
  }

  start(changes: Partial<WorkerPlan> & Pick<WorkerPlan, 'role'>): WorkerProcess {
    const name = `${changes.role}-${this.workers.length}`;
    const { database, broker, group, topics, handlers, folder } = this;
    const { planted } = this.options;
    const common = defaultPlan(name, changes.role, {
      ...{
        databaseUrl: database.url,
        broker: broker.name,
        brokers: broker.addresses,
        group,
        topics,
        handlers,
      },
      ...{ sessionTimeoutMs: broker.sessionTimeoutMs, planted, folder },
    });
    const plan: WorkerPlan = { ...common, ...changes };
    const worker = WorkerProcess.start(plan);
    this.workers.push(worker);
    return worker;
  }

  /** Writes the messages into a file for a producer or publisher. */
  messageFile(messages: readonly Message[]): string {
    const file = new LineFile<Message>(join(this.folder, `messages-${this.workers.length}.jsonl`));
    for (const message of messages) file.append(message);
    return file.path;
  }

  /** Resolves when the worker has ended well; an end of another kind is a liveness anomaly. */
  async finished(worker: WorkerProcess): Promise<void> {
    await until(`${worker.name} ends`, async () => worker.exit !== null, this.options.patienceMs);
    if (worker.complaint !== null) this.stuck.push(worker.complaint);
  }

  /** The sign that a publisher waits for. */
  go(worker: WorkerProcess): void {
    writeFileSync(join(this.folder, `go-${worker.name}`), '');
  }

  /** All publishers end, whatever they have left. */
  enough(): void {
    writeFileSync(join(this.folder, 'enough'), '');
  }

  /** Lets go whoever waits for a sign of the runner. */
  release(): void {
    writeFileSync(join(this.folder, 'release'), '');
  }

  /**
   * Waits for a condition; one that does not come is a liveness anomaly and answers false. A condition that cannot
   * be looked up (a coordinator that moves) has not come yet. Where something was stuck before, nothing is waited for
   * longer than a moment: the run is red, and the rest comes of it.
   */
  async eventually(
    what: string,
    condition: () => Promise<boolean>,
    patienceMs = this.options.patienceMs,
  ): Promise<boolean> {
    let trouble: unknown = null;
    const lookUp = () =>
      condition().catch((error: unknown) => {
        if (error instanceof GivenUp) throw error;
        trouble = error;
        return false;
      });
    try {
      await until(what, lookUp, this.stuck.length > 0 ? Math.min(patienceMs, afterStuckMs) : patienceMs);
      return true;
    } catch (error) {
      this.stuck.push(`${(error as Error).message}${trouble === null ? '' : ` (${trouble})`}`);
      return false;
    }
  }

  /** Everything that was produced is acknowledged, nothing waits for its next attempt, and the outbox is empty. */
  async drained(patienceMs?: number): Promise<boolean> {
    const inputs = Object.entries(this.topics).flatMap(([type, topic]) =>
      this.#outputs.has(type) ? [] : [topic],
    );
    const { broker } = this;
    const isDrained = async () => {
      if (!this.workers.some(({ exit }) => exit === null))
        throw new GivenUp('every worker has ended before all was processed');
      if (this.workers.some(({ plan, exit }) => exit === null && sources.has(plan.role))) return false;
      const [row] = await this.database.query(outboxDepthSql);
      if (row.count > 0) return false;
      for (const topic of inputs) {
        const [committed, ends] = [await broker.committed(this.group, topic), await broker.ends(topic)];
        const behind = [...ends].some(
          ([partition, end]) => end > 0n && (committed.get(partition) ?? -1n) < end,
        );
        if (behind) return false;
      }
      const [waiting] = await this.database.query(retriedKeysSql);
      if (waiting.count > 0) return false;
      const [after] = await this.database.query(outboxDepthSql);
      return after.count === 0;
    };
    return this.eventually('all is processed and published', isDrained, patienceMs);
  }

  /** How many records stand on the topic of this type. */
  async recordsIn(type: string): Promise<number> {
    const ends = await this.broker.ends(this.topics[type]!);
    return [...ends.values()].reduce((sum, end) => sum + Number(end), 0);
  }

  /** Records on the output topic that came again with an id of before. */
  async outputsTwice(): Promise<number> {
    const records = await this.broker.dump(this.topics[outputType]!);
    return records.length - new Set(records.map(({ headers }) => headers['ce_id'])).size;
  }

  /** Ends all workers that still run, in order. */
  async quiet(): Promise<void> {
    const complaints = await Promise.all(this.workers.map((worker) => worker.terminate()));
    this.stuck.push(...complaints.filter((one) => one !== null));
  }

  /** Work to do when all workers have ended. */
  atEnd(work: () => Promise<unknown>): void {
    this.#atEnd.push(work);
  }

  async remove(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.kill()));
    for (const work of this.#atEnd) await work();
    await this.broker?.cleanUp();
    await this.database?.drop();
  }
}
