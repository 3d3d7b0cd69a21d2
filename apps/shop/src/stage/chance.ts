/**
 * Random choices that a seed repeats, each purpose with a stream of its own.
 *
 * Every choice of the show is made by one of these, so that `--seed` repeats them.
 */
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

const most = 0x3fffffff;

export class Chance {
  readonly #generator: ReturnType<typeof xoroshiro128plus>;

  constructor(seed: number, purpose: string) {
    let mixed = seed | 0;
    for (const character of purpose) mixed = Math.imul(mixed ^ character.codePointAt(0)!, 0x01000193);
    this.#generator = xoroshiro128plus(mixed);
  }

  /** A whole number, both ends included. */
  between(lowest: number, highest: number): number {
    return uniformInt(this.#generator, lowest, highest);
  }

  happens(probability: number): boolean {
    return this.between(0, most) / (most + 1) < probability;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.between(0, choices.length - 1)]!;
  }

  shuffled<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let at = result.length - 1; at > 0; at--) {
      const other = this.between(0, at);
      [result[at], result[other]] = [result[other]!, result[at]!];
    }
    return result;
  }
}
