/**
 * Another system over HTTP, as the services call it: does what a request asks for once for each idempotency key, and
 * counts how often it was asked. It can keep one answer back, so that a test knows a call is in flight.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** How many things are done, this one included, where it was done now for the first time. */
  readonly done?: number;
}

export abstract class KeyedServer {
  /** How often each key was asked for. */
  readonly calls = new Map<string, number>();
  readonly #server: Server;
  #withheldAt = Number.POSITIVE_INFINITY;
  #withheld: string | null = null;

  constructor() {
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: Error) => response.destroy(error));
    });
  }

  /** Does it, where the key is new, and says what to answer. */
  protected abstract answer(key: string, body: unknown): Reply;

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** The key whose answer is kept back; `null` until it is asked for. */
  get withheld(): string | null {
    return this.#withheld;
  }

  /** Does the thing with this number, but never answers its first call. */
  withholdAt(number: number): void {
    this.#withheldAt = number;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const key = String(request.headers['idempotency-key']);
    const body: unknown = JSON.parse(Buffer.concat(await request.toArray()).toString());
    this.calls.set(key, (this.calls.get(key) ?? 0) + 1);
    const reply = this.answer(key, body);
    if (reply.done === this.#withheldAt) {
      this.#withheld = key;
      return;
    }
    response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
    response.end(reply.body === undefined ? undefined : JSON.stringify(reply.body));
  }
}
