/**
 * Writes down what a worker does to itself, and does it: the faults of the plan.
 */
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

  constructor(plan: WorkerPlan) {
    this.#plan = plan;
    this.#file = evidenceFile(plan.folder);
  }

  note(detail: EvidenceDetail): void {
    this.#file.append({ worker: this.#plan.name, atMs: Date.now(), ...detail });
  }

  /** Stops this very process where the plan says so; the line is written before. */
  readonly reach = (point: Point): void => {
    const { fault } = this.#plan;
    if (fault === null || fault.point !== point) return;
    this.#hits++;
    if (this.#hits !== fault.hit) return;
    this.note({ kind: 'fault', point, hit: this.#hits, signal: fault.signal });
    process.kill(process.pid, fault.signal);
  };
}
