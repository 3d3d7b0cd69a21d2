/**
 * What a check has found, in words that say what happened, when, and what to do about it.
 *
 * For somebody who has never heard of an inbox: no finding is only a difference of two values.
 */
export type FindingKind =
  | 'failed'
  | 'escaped'
  | 'written-outside'
  | 'event-random'
  | 'event-clock'
  | 'memory'
  | 'swallowed'
  | 'outside-call'
  | 'copies'
  | 'order'
  | 'lost-update'
  | 'crash';

export interface Finding {
  readonly kind: FindingKind;
  /** What differs, and where it comes from. */
  readonly what: string;
  /** In which run. */
  readonly when: string;
  readonly remedy: string;
}

export interface CheckReport {
  /** Runs of the events, each with another fault or none. */
  readonly runs: number;
  /** What is no mistake, but was not compared. */
  readonly notes: readonly string[];
}

/** What `checkExactlyOnce` rejects with. */
export class NotExactlyOnce extends Error {
  constructor(
    readonly findings: readonly Finding[],
    readonly report: CheckReport,
  ) {
    super(messageOf(findings));
    this.name = 'NotExactlyOnce';
  }
}

const remedies: Readonly<Record<FindingKind, string>> = {
  failed: 'make the handler work once, with app.deliver(event), and check it then',
  escaped:
    "write through the repositories of the module's own DataSource and await it, or wrap it in ExactlyOnce.outside() if it must survive a rollback",
  'written-outside':
    "write through the repositories of the module's own DataSource, so that the row commits with the event or not at all",
  'event-random':
    'derive it from the event or from context.idempotencyKey: an event that is handled again must publish the same',
  'event-clock':
    'take the time from the event (context.event.timeMs) or leave it to the consumer: an event that is handled again must publish the same',
  memory:
    'keep it in the database: a call that is rolled back is made again, and what it left in memory is not taken back',
  swallowed:
    'let the error through, or put the statement that may fail into a nested transaction (dataSource.transaction) of its own',
  'outside-call':
    "hand context.idempotencyKey to the other system in a header or in the path, and say commit: 'event', so that no neighbour's failure makes the call again; where the call may be made again, or has the key in its body, name it in `ignore`",
  copies: "leave dedup at 'inbox', and write only through the module's own DataSource",
  order:
    'do not rely on an order between events of different keys: give events that need it the same key, or make the handler add its own fact only',
  'lost-update':
    'let the database do the sum (UPDATE … SET total = total + …, repository.increment), or lock the row before it is read (pessimistic_write)',
  crash: 'write and publish everything inside the handler, and keep nothing between two calls',
};

export function finding(kind: FindingKind, what: string, when: string): Finding {
  return { kind, what, when, remedy: remedies[kind] };
}

/** Each mistake once, however many runs show it. */
export function distinct(findings: readonly Finding[]): Finding[] {
  const seen = new Map<string, Finding>();
  for (const one of findings) if (!seen.has(one.what)) seen.set(one.what, one);
  return [...seen.values()];
}

function messageOf(findings: readonly Finding[]): string {
  const lines = findings.map(
    ({ what, when, remedy }, index) => `${index + 1}. ${what}.\n   When: ${when}.\n   Do: ${remedy}.`,
  );
  const count = findings.length === 1 ? 'one mistake' : `${findings.length} mistakes`;
  return `checkExactlyOnce found ${count}\n\n${lines.join('\n\n')}`;
}
