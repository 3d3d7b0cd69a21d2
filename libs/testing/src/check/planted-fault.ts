/**
 * Faults that a check lets happen, once each: the end of the process at a point of an event's life, or a transaction
 * that the database gives up. Both come from outside, through the storage and the driver.
 */
import { ExactlyOnceError } from '@exactly-once/core';
import type { Faults } from '../application/test-record.js';
import type { HandlerCall } from '../watching/handler-call.js';
import { isWrite, shortened, writtenTable } from '../watching/statement-kind.js';
import type { Step } from '../watching/watched-storage.js';

/** The framework's own, around a nested transaction. */
const ofNested = /^\s*(savepoint|release|rollback)\b/i;

/** A step, or before the n-th statement of the handlers, from 1. */
export type Point = Step | number;

/** A statement of the handlers. */
export interface SeenStatement {
  readonly sql: string;
  readonly site: string | null;
}

/** Counts the handlers' statements, and has the fault happen at its point. */
export class PlantedFault implements Faults {
  readonly statements: SeenStatement[] = [];
  /** Handlers that went on as if nothing was, after an SQL error. */
  readonly swallowed: { readonly handler: string; readonly statement: SeenStatement }[] = [];
  /** Tables that handlers write to in `ExactlyOnce.outside`. */
  readonly outsideTables = new Set<string>();
  /** Tables that handlers write to on another connection than their event's. */
  readonly elsewhereTables = new Set<string>();
  /** The handler has undone what failed, behind a savepoint, and gone on: it is to do without. */
  absorbed = false;
  /** The fault has happened. */
  fired = false;
  /** The process is at its end: nothing reaches the database any more. */
  dead = false;
  readonly #kind: 'none' | 'crash' | 'rollback';
  readonly #point: Point | null;
  #failedIn: HandlerCall | null = null;

  private constructor(kind: 'none' | 'crash' | 'rollback', point: Point | null) {
    this.#kind = kind;
    this.#point = point;
  }

  static none = (): PlantedFault => new PlantedFault('none', null);
  static crash = (point: Point): PlantedFault => new PlantedFault('crash', point);
  /** The database rolls the transaction back for a collision with another one; the process lives. */
  static rollback = (point: Point): PlantedFault => new PlantedFault('rollback', point);

  enter(): void {
    if (this.dead) throw unreachable();
  }

  step(step: Step): void {
    this.#reach(step);
  }

  statement(call: HandlerCall, sql: string, site: string | null): void {
    if (this.dead) throw unreachable();
    if (ofNested.test(sql)) return;
    this.statements.push({ sql, site });
    if (this.statements.length === this.#point && !this.fired) this.#failedIn = call;
    this.#reach(this.statements.length);
  }

  elsewhere(_call: HandlerCall, sql: string): void {
    if (!isWrite(sql)) return;
    if (this.dead) throw unreachable();
    const table = writtenTable(sql);
    if (table !== null) this.elsewhereTables.add(table);
  }

  outside(_call: HandlerCall, sql: string): void {
    const table = isWrite(sql) ? writtenTable(sql) : null;
    if (table !== null) this.outsideTables.add(table);
  }

  returned(call: HandlerCall, failure: { readonly error: unknown } | null): void {
    const { statements } = this;
    const failed = call === this.#failedIn ? statements[Number(this.#point) - 1] : undefined;
    const statement = failed ?? statements.at(-1);
    if (failure !== null || this.dead || statement === undefined) return;
    if (call.scope.transaction.aborted !== null) this.swallowed.push({ handler: call.handler, statement });
    else if (failed !== undefined) this.absorbed = true;
  }

  #reach(point: Point): void {
    if (this.dead) throw unreachable();
    if (this.fired || point !== this.#point) return;
    this.fired = true;
    if (this.#kind === 'crash') {
      this.dead = true;
      throw unreachable();
    }
    if (this.#kind === 'rollback') throw collision(point);
  }
}

/** For messages. */
export function pointLabel(point: Point, statements: readonly SeenStatement[]): string {
  if (typeof point === 'string') return point;
  const { sql = '' } = statements[point - 1] ?? {};
  return `before statement ${point} of the handler (${shortened(sql)})`;
}

function unreachable(): ExactlyOnceError {
  return new ExactlyOnceError('EO_STORAGE_UNAVAILABLE', 'checkExactlyOnce() has ended this process');
}

/** As PostgreSQL says it, where a driver is to have said it. */
function collision(point: Point): Error {
  const what = 'could not serialize access (a fault of checkExactlyOnce)';
  if (typeof point === 'string') return new ExactlyOnceError('EO_SERIALIZATION_FAILURE', what);
  return Object.assign(new Error(what), { code: '40001', severity: 'ERROR' });
}
