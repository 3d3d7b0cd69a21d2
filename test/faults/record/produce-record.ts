/**
 * The write-ahead record of every attempt to produce: written before it, completed after it.
 *
 * An attempt whose writer died before the outcome stood there is `info`: nobody knows.
 */
import type { Attempt } from '../oracles/observation.js';
import { LineFile } from './line-file.js';

type Line =
  | { readonly kind: 'attempt'; readonly number: number; readonly attempt: Omit<Attempt, 'outcome'> }
  | { readonly kind: 'outcome'; readonly number: number; readonly outcome: Attempt['outcome'] };

export class ProduceRecord {
  readonly #file: LineFile<Line>;
  #number = 0;

  constructor(path: string) {
    this.#file = new LineFile(path);
  }

  /** To be called before the attempt; the function returned, after it. */
  begin(attempt: Omit<Attempt, 'outcome'>): (outcome: Attempt['outcome']) => void {
    const number = this.#number++;
    this.#file.append({ kind: 'attempt', number, attempt });
    return (outcome) => this.#file.append({ kind: 'outcome', number, outcome });
  }

  attempts(): Attempt[] {
    const lines = this.#file.read();
    const outcomes = new Map(
      lines.flatMap((line) => (line.kind === 'outcome' ? [[line.number, line.outcome] as const] : [])),
    );
    return lines.flatMap((line) =>
      line.kind === 'attempt' ? [{ ...line.attempt, outcome: outcomes.get(line.number) ?? 'info' }] : [],
    );
  }
}
