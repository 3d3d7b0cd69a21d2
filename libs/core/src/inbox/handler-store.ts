/**
 * Keeps the names of handlers, so that a rename does not run everything again.
 */
export interface DeclaredHandler {
  readonly name: string;
  /** Former name of the same handler. */
  readonly renamedFrom?: string;
  /** True where the author says that this handler is new, although the inbox already holds records. */
  readonly isNew?: boolean;
  /** What it reads; left out where another transport calls it. */
  readonly consumes?: HandlerIntake;
  /** After how many days its service drops inbox records; left out where it drops none: what was said before stays. */
  readonly windowDays?: number;
}

/** Where a handler's events come from, and how it knows those that come again. */
export interface HandlerIntake {
  readonly group: string;
  readonly topic: string;
  readonly dedup: 'inbox' | 'offset';
}

/** A handler as its group's last start recorded it. */
export interface GroupHandler extends Pick<HandlerIntake, 'topic' | 'dedup'> {
  readonly id: number;
  readonly name: string;
  readonly generation: number;
}

export interface KnownHandler {
  readonly id: number;
  readonly name: string;
  readonly renamedFrom: string | null;
  /** What goes into the inbox key: the handler's first name, through all renames. */
  readonly identity: string;
  /** From 1; a rewind that runs everything again adds one. */
  readonly generation: number;
}

export interface HandlerStore {
  /**
   * Reads the handlers of a service and records the declared ones, in one transaction that serialises
   * concurrent starts. `decide` sees what stands in the database and throws where a name is new or has
   * vanished without a word; nothing is then changed.
   */
  register(
    service: string,
    declared: readonly DeclaredHandler[],
    decide: (known: readonly KnownHandler[], inboxFilled: boolean) => void,
  ): Promise<KnownHandler[]>;
  /** The handlers that read for a group and are not retired, by name. */
  ofGroup(group: string): Promise<GroupHandler[]>;
  /**
   * Days for which inbox records are kept: the fewest that any handler said that is not retired, for whoever drops records
   * drops those of all. `null` where nobody said it.
   */
  windowDays(): Promise<number | null>;
}
