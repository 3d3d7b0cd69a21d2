/**
 * The books of a topic that was given orders 1 to `events`, each of as many cents as its number, with their customer as
 * key: says what was lost, doubled, or overtook another of its customer.
 */
import type { DumpedRecord } from '../../services/console-consumer.js';
import type { BenchOrder } from '../harness/produce-events.js';

export class TopicBooks {
  readonly #events: number;
  readonly #ordered: boolean;
  readonly #ids = new Set<string>();
  readonly #last = new Map<string, number>();
  #records = 0;
  #cents = 0;
  #overtaken = 0;

  /** `ordered`: whether the order of a customer was promised. */
  constructor(events: number, ordered = true) {
    this.#events = events;
    this.#ordered = ordered;
  }

  /** Records of a key in the order of their partition. */
  enter({ key, value, headers }: DumpedRecord): void {
    const { cents } = JSON.parse(value!) as BenchOrder;
    this.#records++;
    this.#cents += cents;
    this.#ids.add(headers['ce_id']!);
    if (cents <= (this.#last.get(key!) ?? 0)) this.#overtaken++;
    this.#last.set(key!, cents);
  }

  /** Empty where the books are clean. */
  findings(): string[] {
    const found: string[] = [];
    const ids = this.#ids.size;
    const due = (this.#events * (this.#events + 1)) / 2;
    if (ids < this.#events) found.push(`${this.#events - ids} lost`);
    if (ids > this.#events) found.push(`${ids - this.#events} that nobody sent`);
    if (this.#records > ids) found.push(`${this.#records - ids} doubled`);
    if (this.#cents !== due) found.push(`the sum is ${this.#cents}, not ${due}`);
    if (this.#ordered && this.#overtaken > 0) found.push(`${this.#overtaken} out of order`);
    return found;
  }
}
