/**
 * The handler of a run: two effects, a counter and an outbox event for each event, and whatever else the event's
 * body asks for. Written as a user would write it: it knows repositories and an outbox, no transaction.
 */
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { type EventContext, PermanentError, type PublishOptions, RetryAfterError } from '@exactly-once/core';
import type { DataSource } from 'typeorm';
import { type Act, fingerprint, type LedgerData } from '../record/message.js';
import { EffectOne, EffectTwo } from './effect.js';
import {
  brokenPromiseSql,
  countAllSql,
  countSql,
  hotSql,
  lateWriteSql,
  obstacleSql,
  slowQuerySql,
  slowWriteSql,
} from './ledger.sql.js';
import { leave, look } from './session-marks.js';
import type { Witness } from './witness.js';
import { passedOnType, type WorkerPlan } from './worker-plan.js';

/** Body of the events that the ledger publishes. */
export interface Written {
  readonly handler: string;
  readonly message: string;
  readonly key: string | null;
  /** Of what is passed on. */
  readonly padding?: string;
  readonly rest?: unknown;
}

export interface LedgerParts {
  readonly plan: WorkerPlan;
  readonly witness: Witness;
  readonly dataSource: DataSource;
  readonly publish: (written: Written, options?: PublishOptions) => Promise<unknown>;
  /** The way out of the transaction. */
  readonly outside: <T>(work: () => Promise<T>) => Promise<T>;
}

export class Ledger {
  readonly #parts: LedgerParts;

  constructor(parts: LedgerParts) {
    this.#parts = parts;
  }

  async record(handler: string, data: LedgerData, context: EventContext): Promise<void> {
    const { dataSource, plan, witness, publish } = this.#parts;
    const row = this.#row(handler, data, context);
    const { message } = row;
    await this.#before(handler, data.act, message, context);
    await dataSource.getRepository(EffectOne).insert({ ...row });
    witness.reach('handler:between');
    if (plan.paceMs > 0) await pause(plan.paceMs);
    await dataSource.query(countSql, [handler, data.key ?? '']);
    await dataSource.getRepository(EffectTwo).insert({ ...row });
    const written = { handler, message, key: data.key };
    await publish(written);
    await this.#after(data.act, message, context);
    if (data.act?.kind === 'pass-on') await this.#passOn(data.act.bytes, written, data.rest, context);
    if (data.act?.kind === 'merge') this.#merge(data.rest, message, context);
    witness.reach('handler:end');
  }

  /** The same for many: a statement for each effect table. Of the acts only the one that fails. */
  async recordAll(
    handler: string,
    events: readonly LedgerData[],
    contexts: readonly EventContext[],
  ): Promise<void> {
    const { dataSource, plan, witness, publish } = this.#parts;
    const rows = events.map((data, index) => this.#row(handler, data, contexts[index]!));
    for (const [index, { act }] of events.entries()) {
      if (act?.kind === 'fail') await this.#before(handler, act, rows[index]!.message, contexts[index]!);
    }
    const copies = () => rows.map((row) => ({ ...row }));
    await dataSource.getRepository(EffectOne).insert(copies());
    if (plan.paceMs > 0) await pause(plan.paceMs);
    for (const _ of rows) witness.reach('handler:between');
    await dataSource.query(countAllSql, [handler, rows.map(({ key }) => key ?? '')]);
    await dataSource.getRepository(EffectTwo).insert(copies());
    for (const [index, { message, key }] of rows.entries()) {
      await publish({ handler, message, key }, { causedBy: contexts[index]! });
      witness.reach('handler:end');
    }
  }

  #row(handler: string, { key, sequence }: LedgerData, context: EventContext) {
    const [message, worker] = [fingerprint(context.event.body ?? ''), this.#parts.plan.name];
    const id = Buffer.from(context.id).toString('hex');
    const note = context.headers['note'] ?? null;
    return { handler, source: context.source, id, message, key, sequence, note, worker };
  }

  async #before(handler: string, act: Act | null, message: string, context: EventContext): Promise<void> {
    if (act?.kind === 'kill') this.#kill(act.how, message, context);
    if (act?.kind === 'slow') {
      this.#note('slow', message, context);
      await pause(act.ms);
    }
    if (act?.kind === 'call') this.#note(`call ${handler}`, message, context);
    if (act?.kind === 'aside' || act?.kind === 'crowd') await this.#beside(act, message, context);
    if (act?.kind === 'hang' && !(act.once && context.attempt > 1)) {
      this.#note('hang', message, context);
      await new Promise(() => undefined);
    }
    if (act?.kind === 'broken' && !existsSync(join(this.#parts.plan.folder, 'release'))) {
      this.#note('broken', message, context);
      throw new PermanentError('what it needs is broken');
    }
    if (act?.kind === 'hold') await this.#hold(act.then, message, context);
    const fails = act?.kind === 'fail' && (act.handler ?? handler) === handler;
    const times = fails ? (act.once ? 1 : (act.times ?? Number.POSITIVE_INFINITY)) : 0;
    if (fails && context.attempt <= times) {
      this.#note('fail', message, context);
      if (act.afterMs !== undefined) throw new RetryAfterError(act.afterMs);
      const all = act.tellAll ? ` with ${context.event.body}` : '';
      throw new Error(`this handler fails on purpose${all}`);
    }
  }

  async #after(act: Act | null, message: string, context: EventContext): Promise<void> {
    const { dataSource, plan } = this.#parts;
    if (act?.kind === 'hot') await this.#hot(act.account, message, context);
    if (act?.kind === 'look' || act?.kind === 'mark') {
      this.#note(`saw ${await look(dataSource)}`, message, context);
    }
    if (act?.kind === 'mark') {
      this.#note(act.how, message, context);
      await leave(dataSource, act.how);
    }
    if (act?.kind === 'defer') {
      this.#note('defer', message, context);
      await dataSource.query(brokenPromiseSql, [message]);
    }
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

  async #hot(account: number, message: string, context: EventContext): Promise<void> {
    try {
      const [rows] = await this.#parts.dataSource.query(hotSql, [account]);
      this.#note(`isolation ${rows[0].isolation}`, message, context);
    } catch (error) {
      this.#note(`hot ${(error as { code?: string }).code}`, message, context);
      throw error;
    }
  }

  async #passOn(bytes: number, written: Written, rest: unknown, context: EventContext): Promise<void> {
    const { plan, publish } = this.#parts;
    this.#note('pass-on', written.message, context);
    const event = { ...written, padding: 'p'.repeat(bytes), rest };
    await publish(event, { topic: plan.topics[passedOnType]!, headers: context.headers });
  }

  /** On connections of the application's own. */
  async #beside(act: Act, message: string, context: EventContext): Promise<void> {
    const { dataSource, plan, outside } = this.#parts;
    this.#note(act.kind, message, context);
    if (act.kind === 'aside') await outside(() => dataSource.query(lateWriteSql, [message, plan.name]));
    if (act.kind !== 'crowd') return;
    const { queries, ms } = act;
    const slow = () => outside(() => dataSource.query(slowQuerySql, [ms / 1_000]));
    for (let count = 0; count < queries; count++) void slow().catch(() => undefined); // its process may end
  }

  #merge(rest: unknown, message: string, context: EventContext): void {
    const merged = Object.assign({}, rest) as Record<string, unknown>;
    const seen = [
      merged['polluted'],
      ({} as Record<string, unknown>)['polluted'],
      context.headers['__proto__'],
    ];
    this.#note(`merged ${seen}`, message, context);
  }

  async #lateWrite(message: string): Promise<void> {
    const { dataSource, plan, witness } = this.#parts;
    try {
      await dataSource.query(lateWriteSql, [message, plan.name]);
    } catch (error) {
      witness.note({ kind: 'loud', error: String(error) });
    }
  }

  #kill(how: 'abort' | 'SIGKILL', message: string, context: EventContext): void {
    this.#note('kill', message, context);
    if (how === 'abort') process.abort();
    process.kill(process.pid, how);
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
