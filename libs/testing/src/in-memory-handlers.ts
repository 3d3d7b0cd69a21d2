/**
 * Names of handlers in the in-memory storage, as a database keeps them: each row is taken by one declared handler.
 *
 * No two handlers ever share an identity, and nothing is changed where the decision throws.
 */
import {
  type DeclaredHandler,
  ExactlyOnceError,
  type GroupHandler,
  type HandlerIntake,
  type HandlerStore,
  type KnownHandler,
} from '@exactly-once/core';

interface Row extends KnownHandler {
  readonly service: string;
  readonly retired: boolean;
  readonly consumes: HandlerIntake | null;
  readonly windowDays: number | null;
}

export class InMemoryHandlers implements HandlerStore {
  readonly #filled: (ids: readonly number[]) => boolean;
  #rows: readonly Row[] = [];

  /** `filled`: whether the inbox holds records of these handlers. */
  constructor(filled: (ids: readonly number[]) => boolean) {
    this.#filled = filled;
  }

  /** As the rows stand now. */
  nameOf(id: number): string {
    return this.#rows.find((row) => row.id === id)?.name ?? '';
  }

  /** Whether a handler of this id is there, and not retired. */
  handles(id: number): boolean {
    return this.#rows.some((row) => row.id === id && !row.retired);
  }

  async register(
    service: string,
    declared: readonly DeclaredHandler[],
    decide: (known: readonly KnownHandler[], inboxFilled: boolean) => void,
  ): Promise<KnownHandler[]> {
    const known = this.#rows.filter((row) => !row.retired && row.service === service);
    decide(known, this.#filled(known.map(({ id }) => id)));
    const registration = new Registration(service, this.#rows);
    const registered = new Map(renamesFirst(declared).map((one) => [one.name, registration.record(one)]));
    this.#rows = intakes(registration.end(), declared, registered);
    return declared.map(({ name }) => registered.get(name)!);
  }

  async ofGroup(group: string): Promise<GroupHandler[]> {
    const own = this.#rows.filter(({ retired, consumes }) => !retired && consumes?.group === group);
    const found = own.map(({ id, name, generation, consumes }) => {
      return { id, name, generation, topic: consumes!.topic, dedup: consumes!.dedup };
    });
    return found.sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  async windowDays(): Promise<number | null> {
    const said = this.#rows.flatMap(({ retired, windowDays }) => (retired ? [] : (windowDays ?? [])));
    return said.length === 0 ? null : Math.min(...said);
  }

  /** Throws where there is no such handler. */
  nextGeneration(id: number): number {
    const row = this.#rows.find((one) => one.id === id && !one.retired);
    if (row === undefined)
      throw new ExactlyOnceError('EO_REWIND_REFUSED', `handler ${id} is not there any more`);
    const generation = row.generation + 1;
    this.#rows = this.#rows.map((one) => (one === row ? { ...one, generation } : one));
    return generation;
  }
}

/** The rows, with what each declared handler reads now. */
function intakes(
  rows: readonly Row[],
  declared: readonly DeclaredHandler[],
  registered: ReadonlyMap<string, KnownHandler>,
): readonly Row[] {
  const byId = new Map(declared.map((one) => [registered.get(one.name)!.id, one]));
  return rows.map((row) => {
    const { consumes = null, windowDays = row.windowDays } = byId.get(row.id) ?? row;
    return { ...row, consumes, windowDays };
  });
}

class Registration {
  readonly #service: string;
  readonly #rows: Row[];
  /** Rows that no declared handler has taken yet. */
  readonly #free: Set<number>;

  constructor(service: string, rows: readonly Row[]) {
    this.#service = service;
    this.#rows = [...rows];
    const own = rows.filter((row) => !row.retired && row.service === service);
    this.#free = new Set(own.map(({ id }) => id));
  }

  record({ name, renamedFrom, isNew }: DeclaredHandler): KnownHandler {
    const same = this.#take((row) => row.name === name);
    if (same !== undefined) return same;
    const former = this.#take((row) => row.name === renamedFrom);
    if (former !== undefined) return this.#write({ ...former, name, renamedFrom: former.name });
    const renamed = isNew ? undefined : this.#take((row) => row.renamedFrom === name);
    if (renamed !== undefined) return { ...renamed, name };
    return this.#insert(name);
  }

  /** All rows, with those retired that nobody declares any more. */
  end(): readonly Row[] {
    return this.#rows.map((row) => (this.#free.has(row.id) ? { ...row, retired: true } : row));
  }

  #insert(name: string): KnownHandler {
    const present = this.#rows.find((row) => row.name === name);
    if (present !== undefined && present.service !== this.#service) {
      const what = `handler "${name}" belongs to service "${present.service}" in this storage`;
      throw new ExactlyOnceError('EO_HANDLER_DUPLICATE', what);
    }
    if (present !== undefined) return this.#write({ ...present, retired: false });
    const id = this.#rows.length + 1;
    const identity = this.#rows.some((row) => row.identity === name) ? `${name}#${id}` : name;
    const fresh = {
      id,
      service: this.#service,
      name,
      renamedFrom: null,
      identity,
      generation: 1,
      retired: false,
      consumes: null,
      windowDays: null,
    };
    this.#rows.push(fresh);
    return fresh;
  }

  #write(row: Row): Row {
    this.#rows[row.id - 1] = row;
    return row;
  }

  #take(fits: (row: Row) => boolean): Row | undefined {
    const found = this.#rows.find((row) => this.#free.has(row.id) && fits(row));
    if (found !== undefined) this.#free.delete(found.id);
    return found;
  }
}

/** A renamed handler takes its row before a new one that goes by its former name looks for one. */
function renamesFirst(declared: readonly DeclaredHandler[]): DeclaredHandler[] {
  const renamed = declared.filter(({ renamedFrom }) => renamedFrom !== undefined);
  return [...renamed, ...declared.filter(({ renamedFrom }) => renamedFrom === undefined)];
}
