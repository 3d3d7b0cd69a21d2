/**
 * What the order of a key has to be where letters were replayed: each before all that was parked behind it by then, and
 * several in the order of their first letters. One that has died meanwhile, and was replayed then, has lost its place.
 */
import type { ParkedEntry, StoredDeadLetter } from '@exactly-once/core';

interface Line {
  readonly handler: string;
  readonly key: string;
  /** Events in the order in which they have to come. */
  readonly events: { readonly id: string; readonly replayed: boolean }[];
}

const text = (bytes: Uint8Array | null | undefined) => (bytes ? Buffer.from(bytes).toString() : '');

export class ReplayBooks {
  readonly #lines: Line[] = [];
  readonly #replays = new Map<string, number>();

  /** `parked`: what waited when the letters, in the order of their first ones, were replayed; `nameOf` a handler's id. */
  note(
    letters: readonly StoredDeadLetter[],
    parked: readonly ParkedEntry[],
    nameOf: (id: number) => string,
  ): void {
    const lines = new Map<string, Line>();
    const enter = (handler: string, key: Uint8Array | null, id: string, replayed: boolean) => {
      if (key === null) return;
      const line: Line = { handler, key: text(key), events: [] };
      const slot = JSON.stringify([handler, line.key]);
      lines.set(slot, lines.get(slot) ?? line);
      lines.get(slot)!.events.push({ id, replayed });
    };
    for (const { handler, key, eventId } of letters) {
      enter(handler!, key, eventId!, true);
      this.#replays.set(`${handler} ${eventId}`, this.times(handler!, eventId!) + 1);
    }
    for (const { handlerId, key, headers } of parked) {
      enter(nameOf(handlerId), key, text(headers['ce_id']), false);
    }
    this.#lines.push(...lines.values());
  }

  /** How often an event's letters were replayed for that handler. */
  times(handler: string, id: string): number {
    return this.#replays.get(`${handler} ${id}`) ?? 0;
  }

  /** Sentences about what came before what it had to follow. `effects`: ids in the order of their effects. */
  faults(handler: string, effects: readonly string[]): string[] {
    return this.#lines
      .filter((line) => line.handler === handler)
      .flatMap(({ key, events }) => {
        const inPlace = events.filter(({ id, replayed }) => this.times(handler, id) === (replayed ? 1 : 0));
        const kept = inPlace.map(({ id }) => id).filter((id) => effects.includes(id));
        const came = kept.toSorted((one, other) => effects.indexOf(one) - effects.indexOf(other));
        return String(kept) === String(came)
          ? []
          : [`${handler} of key ${key}: ${came} and not ${kept} after a replay`];
      });
  }
}
