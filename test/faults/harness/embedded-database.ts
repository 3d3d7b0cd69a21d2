/**
 * A PostgreSQL in a folder, which one process at a time can open: a worker that runs, which then answers the runner's
 * statements, or the runner itself.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { embeddedPostgres } from '@exactly-once/typeorm';
import { DataSource } from 'typeorm';
import type { TestDatabase } from '../../services/postgres.js';
import { appendTogether } from '../broker/append-together.js';
import type { Message } from '../record/message.js';
import { ProduceRecord } from '../record/produce-record.js';
import type { Answer, Query } from '../worker/answer-queries.js';
import type { WorkerProcess } from './worker-process.js';

export class EmbeddedDatabase implements TestDatabase {
  readonly name = 'embedded';
  /** No server. */
  readonly url = '';
  #own: DataSource | null = null;
  #worker: WorkerProcess | null = null;
  #number = 0;

  private constructor(readonly folder: string) {}

  static async make(): Promise<EmbeddedDatabase> {
    return new EmbeddedDatabase(await mkdtemp(join(tmpdir(), 'eo-embedded-')));
  }

  /** The runner lets go of it, and the worker that `start` gives has it until its end. */
  async giveTo(start: () => WorkerProcess): Promise<WorkerProcess> {
    await this.#close();
    this.#worker = start();
    return this.#worker;
  }

  // biome-ignore lint/suspicious/noExplicitAny: rows have the shape of their statement
  async query(sql: string, parameters: unknown[] = []): Promise<any[]> {
    const worker = this.#worker;
    if (worker !== null && worker.exit === null)
      return asked(worker, { number: ++this.#number, sql, parameters });
    const own = await this.#open();
    return own.query(sql, parameters);
  }

  /** Appends to the log of its broker and records it, while no worker has it. */
  async append(folder: string, messages: readonly Message[]): Promise<void> {
    const runner = (await this.#open()).createQueryRunner();
    const record = new ProduceRecord(join(folder, `record-runner-${++this.#number}.jsonl`));
    try {
      const finish = messages.map(({ attempt }) => record.begin(attempt));
      await appendTogether((sql, values) => runner.query(sql, values), messages);
      for (const one of finish) one('ok');
    } finally {
      await runner.release();
    }
  }

  async drop(): Promise<void> {
    await this.#close();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #open(): Promise<DataSource> {
    this.#own ??= await new DataSource({
      ...embeddedPostgres({ folder: this.folder }),
      logging: false,
    }).initialize();
    return this.#own;
  }

  async #close(): Promise<void> {
    await this.#own?.destroy();
    this.#own = null;
  }
}

function asked({ child, exited }: WorkerProcess, query: Query): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      child.off('message', onAnswer);
      settle();
    };
    const onAnswer = (answer: Answer) => {
      if (answer.number !== query.number) return;
      end(() => ('rows' in answer ? resolve([...answer.rows]) : reject(new Error(answer.error))));
    };
    child.on('message', onAnswer);
    void exited.then(() => end(() => reject(new Error('the process that has the database has ended'))));
    child.send(query, (error) => {
      if (error !== null) end(() => reject(error));
    });
  });
}
