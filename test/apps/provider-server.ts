/**
 * The payment provider of the tests: another system over HTTP, that charges an idempotency key once and counts how
 * often it was asked. It can keep one answer back, so that a test knows a charge is in flight.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Charge {
  readonly chargeId: string;
  readonly orderId: string;
  readonly cents: number;
}

export class ProviderServer {
  /** By idempotency key. */
  readonly charges = new Map<string, Charge>();
  /** How often each key was asked for. */
  readonly calls = new Map<string, number>();
  readonly #server: Server;
  #withheldAt = Number.POSITIVE_INFINITY;
  #withheld: string | null = null;
  readonly #failures = new Map<number, number>();
  readonly #declined = new Map<number, string>();

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: Error) => response.destroy(error));
    });
  }

  static async start(): Promise<ProviderServer> {
    const provider = new ProviderServer();
    provider.#server.listen(0, '127.0.0.1');
    await once(provider.#server, 'listening');
    return provider;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/charges`;
  }

  /** The key whose answer is kept back; `null` until it is asked for. */
  get withheld(): string | null {
    return this.#withheld;
  }

  /** Takes the money of the charge with this number, but never answers its first call. */
  withholdAt(number: number): void {
    this.#withheldAt = number;
  }

  /** Answers the first call for this amount with this status, and takes no money. */
  failOnce(cents: number, status: number): void {
    this.#failures.set(cents, status);
  }

  /** Refuses this amount with this word, however often it is asked. */
  decline(cents: number, reason: string): void {
    this.#declined.set(cents, reason);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const key = String(request.headers['idempotency-key']);
    const order = JSON.parse(Buffer.concat(await request.toArray()).toString()) as Omit<Charge, 'chargeId'>;
    this.calls.set(key, (this.calls.get(key) ?? 0) + 1);
    const failure = this.#failures.get(order.cents);
    if (failure !== undefined) {
      this.#failures.delete(order.cents);
      response.writeHead(failure, { 'retry-after': '0' }).end();
      return;
    }
    response.setHeader('content-type', 'application/json');
    const reason = this.#declined.get(order.cents);
    if (reason !== undefined) {
      response.writeHead(402).end(JSON.stringify({ reason }));
      return;
    }
    const known = this.charges.get(key);
    const charge = known ?? { chargeId: `ch_${this.charges.size + 1}`, ...order };
    this.charges.set(key, charge);
    if (known === undefined && this.charges.size === this.#withheldAt) {
      this.#withheld = key;
      return;
    }
    response.end(JSON.stringify({ chargeId: charge.chargeId }));
  }
}
