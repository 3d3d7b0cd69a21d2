/**
 * Several statements in one write and one answer: BEGIN with the first statement of a transaction, its outbox with COMMIT.
 *
 * They stand before one Sync of PostgreSQL's extended protocol: after an error the server passes by all that follow, so
 * nothing behind a BEGIN that failed can commit by itself, and no COMMIT follows an outbox that was refused.
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

/** Takes what statements would send, for one write: a socket takes longer for each more. Of Sync only the last one is kept. */
class GatheringWire implements Wire {
  readonly parsedStatements = {};
  readonly submittedNamedStatements = {};
  readonly chunks: Uint8Array[] = [];
  readonly writable = true;
  readonly stream = this;
  readonly #wire: Wire;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  write(chunk: Uint8Array): void {
    this.chunks.push(chunk);
  }

  _send(chunk: Uint8Array): void {
    this.chunks.push(chunk);
  }

  parse(statement: object): void {
    this.#wire.parse.call(this, statement);
  }

  bind(portal: object): void {
    this.#wire.bind.call(this, portal);
  }

  describe(what: object): void {
    this.#wire.describe.call(this, what);
  }

  execute(portal: object): void {
    this.#wire.execute.call(this, portal);
  }

  sync(): void {
    // one for all: see `syncMessage`
  }
}

/** Of PostgreSQL's protocol. */
const syncMessage = Uint8Array.of(0x53, 0, 0, 0, 4);

/** The part of pg's Query that is used; it sends itself, and is told of each answer. */
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

/**
 * Statements without `;`. `answered` is told of each result as it comes. Rejects with the first error; no statement
 * behind it was executed.
 */
export function runChain(
  client: PostgresClient,
  statements: readonly Statement[],
  answered: (result: StatementResult) => void,
): Promise<void> {
  let left = statements.length;
  return new Promise((resolve, reject) => {
    const callback: Callback = (error, result) => {
      if (error) return reject(error);
      answered(result!);
      if (--left === 0) resolve();
    };
    const Query = queryClassOf(client)!;
    const before = statements.slice(0, -1).map(([text, values = []]) => new Query(text, values, callback));
    const [text, values = []] = statements.at(-1)!;
    (client as unknown as Chaining).query(new (chainOf(Query))(before, text, values, callback));
  });
}

type ChainClass = new (before: readonly Query[], ...last: ConstructorParameters<QueryClass>) => Query;

const chains = new WeakMap<QueryClass, ChainClass>();

/** One query to pg, of its own class: on a pipelining client it takes no other. */
function chainOf(Base: QueryClass): ChainClass {
  const known = chains.get(Base);
  if (known !== undefined) return known;
  const made = class Chain extends Base {
    readonly #before: readonly Query[];
    #answered = 0;

    constructor(before: readonly Query[], ...last: ConstructorParameters<QueryClass>) {
      super(...last);
      this.#before = before;
    }

    override requiresPreparation(): boolean {
      return true;
    }

    override submit(wire: Wire): Error | null {
      const gathering = new GatheringWire(wire);
      for (const one of this.#before) one.prepare(gathering);
      const refused = super.submit(gathering);
      gathering.chunks.push(syncMessage);
      wire.stream.write(Buffer.concat(gathering.chunks));
      return refused;
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

function queryClassOf(client: PostgresClient): QueryClass | undefined {
  return (client.constructor as { Query?: QueryClass }).Query;
}
