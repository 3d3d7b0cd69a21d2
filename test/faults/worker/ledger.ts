/**
 * The handler of a run: two effects, a counter and an outbox event for each event, and whatever else the event's
 * body asks for. Written as a user would write it: it knows repositories and an outbox, no transaction.
 */
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { EventContext } from '@exactly-once/core';
import type { DataSource } from 'typeorm';
import { type Act, fingerprint, type LedgerData } from '../record/message.js';
import { EffectOne, EffectTwo } from './effect.js';
import { countSql, lateWriteSql, obstacleSql, slowWriteSql } from './ledger.sql.js';
import type { Witness } from './witness.js';
import type { WorkerPlan } from './worker-plan.js';

/** Body of the events that the ledger publishes. */
export interface Written {
  readonly handler: string;
  readonly message: string;
  readonly key: string | null;
}

export interface LedgerParts {
  readonly plan: WorkerPlan;
  readonly witness: Witness;
  readonly dataSource: DataSource;
  readonly publish: (written: Written) => Promise<unknown>;
}

export class Ledger {
  readonly #parts: LedgerParts;

  constructor(parts: LedgerParts) {
    this.#parts = parts;
  }

  async record(handler: string, data: LedgerData, context: EventContext): Promise<void> {
    const { dataSource, plan, witness, publish } = this.#parts;
    const message = fingerprint(context.event.body ?? '');
    await this.#before(handler, data.act, message, context);
    const row = {
      handler,
      source: context.source,
      id: Buffer.from(context.id).toString('hex'),
      message,
      key: data.key,
      sequence: data.sequence,
      note: context.headers['note'] ?? null,
      worker: plan.name,
    };
    await dataSource.getRepository(EffectOne).insert({ ...row });
    witness.reach('handler:between');
    if (plan.paceMs > 0) await pause(plan.paceMs);
    await dataSource.query(countSql, [handler, data.key ?? '']);
    await dataSource.getRepository(EffectTwo).insert({ ...row });
    await publish({ handler, message, key: data.key });
    await this.#after(data.act, message, context);
    witness.reach('handler:end');
  }

  async #before(handler: string, act: Act | null, message: string, context: EventContext): Promise<void> {
    if (act?.kind === 'slow') await pause(act.ms);
    if (act?.kind === 'hold') await this.#hold(act.then, message, context);
    const fails = act?.kind === 'fail' && (act.handler ?? handler) === handler;
    if (fails && !(act.once === true && context.attempt > 1)) {
      this.#note('fail', message, context);
      throw new Error('this handler fails on purpose');
    }
  }

  async #after(act: Act | null, message: string, context: EventContext): Promise<void> {
    const { dataSource, plan } = this.#parts;
    if (act?.kind === 'swallow' && (!act.once || context.attempt === 1)) {
      this.#note('swallow', message, context);
      await dataSource.query(obstacleSql).catch(() => undefined); // the mistake that this act is about
    }
    if (act?.kind === 'unawaited') {
      this.#note('unawaited', message, context);
      void dataSource.query(slowWriteSql, [message, plan.name]);
    }
    if (act?.kind === 'late') {
      this.#note('late', message, context);
      setTimeout(() => void this.#lateWrite(message), 300);
    }
  }

  async #lateWrite(message: string): Promise<void> {
    const { dataSource, plan, witness } = this.#parts;
    try {
      await dataSource.query(lateWriteSql, [message, plan.name]);
    } catch (error) {
      witness.note({ kind: 'loud', error: String(error) });
    }
  }

  /** Whoever is first anywhere waits for the runner; all others go on. */
  async #hold(then: 'throw' | 'die', message: string, context: EventContext): Promise<void> {
    const { folder } = this.#parts.plan;
    try {
      closeSync(openSync(join(folder, `held-${message}`), 'wx'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      return;
    }
    this.#note('hold', message, context);
    while (!existsSync(join(folder, 'release'))) await pause(10);
    this.#note(`hold-${then}`, message, context);
    if (then === 'die') process.kill(process.pid, 'SIGKILL');
    throw new Error('the first copy rolls back');
  }

  #note(act: string, message: string, context: EventContext): void {
    this.#parts.witness.note({ kind: 'act', act, message, attempt: context.attempt });
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
