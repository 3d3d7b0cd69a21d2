/**
 * Several statements in one write and one answer: what a transaction publishes, and COMMIT. Step 6 of an event's life.
 *
 * They stand before one Sync of PostgreSQL's extended protocol: after an error the server passes by all that follow, so
 * that no COMMIT follows an outbox that was refused. Nothing is sent where one of them cannot be.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING
 */
import type { PostgresClient, StatementResult } from './postgres-client.js';

export type Statement = readonly [text: string, values?: readonly unknown[]];

type Callback = (error: unknown, result?: StatementResult) => void;

/** The part of pg's Connection that is used. */
interface Wire {
  readonly stream: { write(chunk: Uint8Array): unknown };
  parse(statement: object): void;
  bind(portal: object): void;
  describe(what: object): void;
  execute(portal: object): void;
}

/** Takes what statements would send, for one write: a socket takes longer for each more. Their Syncs are left out. */
class GatheringWire implements Wire {
  readonly parsedStatements = {};
  readonly submittedNamedStatements = {};
  readonly chunks: Uint8Array[] = [];
  readonly writable = true;
  readonly stream = this;
  /** Statements that are complete: pg leaves out what it cannot write. */
  complete = 0;
  readonly wire: Wire;

  constructor(wire: Wire) {
    this.wire = wire;
  }

  write(chunk: Uint8Array): void {
    this.chunks.push(chunk);
  }

  _send(chunk: Uint8Array): void {
    this.chunks.push(chunk);
  }

  parse(statement: object): void {
    this.wire.parse.call(this, statement);
  }

  bind(portal: object): void {
    this.wire.bind.call(this, portal);
  }

  describe(what: object): void {
    this.wire.describe.call(this, what);
  }

  execute(portal: object): void {
    this.complete++;
    this.wire.execute.call(this, portal);
  }

  close(): void {
    // of a statement that is not complete: nothing is sent then
  }

  sync(): void {
    // one for all: see `syncMessage`
  }
}

/** Of PostgreSQL's protocol. */
const syncMessage = Uint8Array.of(0x53, 0, 0, 0, 4);

/** The part of pg's Query that is used; it writes itself, and is told of each answer. */
interface Query {
  prepare(wire: Wire): void;
  requiresPreparation(): boolean;
  submit(wire: Wire): Error | null;
  handleRowDescription(message: unknown): void;
  handleDataRow(message: unknown): void;
  handleCommandComplete(message: unknown, wire: Wire): void;
  handleReadyForQuery(wire: Wire): void;
}

type QueryClass = new (text: string, values: readonly unknown[], callback: Callback) => Query;

interface Chaining {
  readonly connection?: Partial<Wire>;
  query(query: Query): unknown;
}

/** False for drivers that are not pg's own: their statements go one after another. */
export function canChain(client: PostgresClient): boolean {
  const { connection } = client as unknown as Chaining;
  return typeof connection?.parse === 'function' && queryClassOf(client)?.prototype.prepare !== undefined;
}

/** How far statements have come. */
export interface Progress {
  /** False: the database knows of none of them. */
  sent: boolean;
  /** Filled as they are answered. */
  readonly results: StatementResult[];
}

/** Statements without `;`. Rejects with the first error; no statement behind it was executed. */
export function runChain(
  client: PostgresClient,
  statements: readonly Statement[],
  progress: Progress,
): Promise<void> {
  const { results } = progress;
  return new Promise((resolve, reject) => {
    const callback: Callback = (error, result) => {
      if (error) reject(error);
      else if (results.push(result!) === statements.length) resolve();
    };
    const Query = queryClassOf(client)!;
    const queries = statements.map(([text, values = []]) => [text, values, callback] as const);
    const before = queries.slice(0, -1).map((query) => new Query(...query));
    (client as unknown as Chaining).query(new (chainOf(Query))(before, progress, ...queries.at(-1)!));
  });
}

type ChainClass = new (
  before: readonly Query[],
  progress: Progress,
  ...last: ConstructorParameters<QueryClass>
) => Query;

const chains = new WeakMap<QueryClass, ChainClass>();

/** One query to pg, of its own class: on a pipelining client it takes no other. */
function chainOf(Base: QueryClass): ChainClass {
  const known = chains.get(Base);
  if (known !== undefined) return known;
  const made = class Chain extends Base {
    readonly #before: readonly Query[];
    readonly #progress: Progress;
    #answered = 0;

    constructor(before: readonly Query[], progress: Progress, ...last: ConstructorParameters<QueryClass>) {
      super(...last);
      this.#before = before;
      this.#progress = progress;
    }

    override requiresPreparation(): boolean {
      return true;
    }

    override submit(wire: Wire): Error | null {
      const gathering = new GatheringWire(wire);
      const cause = thrown(() => {
        for (const one of this.#before) one.prepare(gathering);
        return super.submit(gathering);
      });
      return sendAll(gathering, this.#before.length + 1, this.#progress, cause);
    }

    override handleRowDescription(message: unknown): void {
      const one = this.#before[this.#answered];
      if (one === undefined) super.handleRowDescription(message);
      else one.handleRowDescription(message);
    }

    override handleDataRow(message: unknown): void {
      const one = this.#before[this.#answered];
      if (one === undefined) super.handleDataRow(message);
      else one.handleDataRow(message);
    }

    override handleCommandComplete(message: unknown, wire: Wire): void {
      const one = this.#before[this.#answered];
      if (one === undefined) {
        super.handleCommandComplete(message, wire);
        return;
      }
      this.#answered++;
      one.handleCommandComplete(message, wire);
      one.handleReadyForQuery(wire);
    }
  };
  chains.set(Base, made);
  return made;
}

/** What it returns becomes the chain's error, and pg goes on with the next query. */
function sendAll(
  { chunks, complete, wire }: GatheringWire,
  due: number,
  progress: Progress,
  cause: unknown,
): Error | null {
  if (complete < due) return new Error('a statement could not be written, and nothing was sent', { cause });
  progress.sent = true;
  wire.stream.write(Buffer.concat([...chunks, syncMessage]));
  return null;
}

function thrown(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

function queryClassOf(client: PostgresClient): QueryClass | undefined {
  return (client.constructor as { Query?: QueryClass }).Query;
}
