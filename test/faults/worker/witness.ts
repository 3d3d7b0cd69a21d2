/**
 * Writes down what a worker does to itself, and does it: the faults of the plan.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Evidence, EvidenceDetail } from '../record/evidence.js';
import { LineFile } from '../record/line-file.js';
import type { Point, WorkerPlan } from './worker-plan.js';

/** One file for all workers of a run: each line is appended in one write. */
export function evidenceFile(folder: string): LineFile<Evidence> {
  return new LineFile(join(folder, 'evidence.jsonl'));
}

export class Witness {
  readonly #plan: WorkerPlan;
  readonly #file: LineFile<Evidence>;
  #hits = 0;
  #held = false;
  #ready = false;
  #health: 'up' | 'down' = 'up';
  readonly #most = { pool: 0, beside: 0 };

  constructor(plan: WorkerPlan) {
    this.#plan = plan;
    this.#file = evidenceFile(plan.folder);
  }

  note(detail: EvidenceDetail): void {
    this.#file.append({ worker: this.#plan.name, atMs: Date.now(), ...detail });
  }

  /** Tells the runner. Whoever is asked to end before that has not begun. */
  ready(): void {
    this.#ready = true;
    process.send?.('ready');
  }

  /** Its changes only. */
  noteHealth(status: 'up' | 'down', reasons: readonly string[]): void {
    if (status === this.#health) return;
    this.#health = status;
    this.note({ kind: 'health', status, reasons });
  }

  /** Where it is more than ever before. */
  noteMost(detail: { kind: 'pool'; waiting: number } | { kind: 'beside'; transactions: number }): void {
    const count = detail.kind === 'pool' ? detail.waiting : detail.transactions;
    if (count <= this.#most[detail.kind]) return;
    this.#most[detail.kind] = count;
    this.note(detail);
  }

  /** Stops this very process where the plan says so; the line is written before. */
  readonly reach = (point: Point): void => {
    const { fault, planted } = this.#plan;
    if (fault === null || fault.point !== point || planted.includes('no-fault')) return;
    if (fault.signal === 'SIGTERM' && !this.#ready) return;
    this.#hits++;
    if (this.#hits !== fault.hit) return;
    this.note({ kind: 'fault', point, hit: this.#hits, signal: fault.signal });
    if (fault.signal === 'hold') this.#held = true;
    else process.kill(process.pid, fault.signal);
  };

  /** Like `reach`, and waits there for the runner where the plan says so. */
  async pass(point: Point): Promise<void> {
    this.reach(point);
    if (!this.#held) return;
    this.#held = false;
    while (!existsSync(join(this.#plan.folder, 'release'))) await new Promise((go) => setTimeout(go, 5));
  }
}
