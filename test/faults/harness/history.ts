/**
 * Every run that was ever made here, a line of JSON each, in a folder that git ignores.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { LineFile } from '../record/line-file.js';
import type { PlantedBug } from '../worker/worker-plan.js';
import type { RunReport } from './run-case.js';

export interface PastRun extends RunReport {
  /** ISO 8601. */
  readonly endedAt: string;
  /** Of the code; ends with `+` where that was changed since, texts aside. */
  readonly commit: string;
  /** Taken out of it on purpose. */
  readonly planted: readonly PlantedBug[];
}

export class History {
  readonly #file: LineFile<PastRun>;
  readonly #commit: string;

  constructor(path = resolve('evidence', 'history.jsonl')) {
    mkdirSync(dirname(path), { recursive: true });
    this.#file = new LineFile(path);
    this.#commit = currentCommit();
  }

  get path(): string {
    return this.#file.path;
  }

  add(report: RunReport, planted: readonly PlantedBug[]): void {
    const endedAt = new Date().toISOString();
    this.#file.append({ ...report, endedAt, commit: this.#commit, planted });
  }

  /** `since`: ISO 8601; without it, all. */
  runs(since = ''): PastRun[] {
    return this.#file.read().filter(({ endedAt }) => endedAt >= since);
  }
}

function currentCommit(): string {
  const git = (...words: string[]) => execFileSync('git', words, { encoding: 'utf8', stdio: 'pipe' }).trim();
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', '.', ':!*.md') !== '';
    return `${git('rev-parse', '--short', 'HEAD')}${changed ? '+' : ''}`;
  } catch {
    return 'unknown'; // no clone, or no git
  }
}
