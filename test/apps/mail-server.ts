/**
 * The mail provider of the tests: sends the mail of an idempotency key once.
 */
import { KeyedServer, type Reply } from './keyed-server.js';

export interface SentMail {
  readonly orderId: string;
  readonly text: string;
}

export class MailServer extends KeyedServer {
  /** By idempotency key. */
  readonly sent = new Map<string, SentMail>();
  #unavailable = 0;

  /** Answers so many calls with 503, and sends nothing. */
  failNext(calls: number): void {
    this.#unavailable = calls;
  }

  protected answer(key: string, body: unknown): Reply {
    if (this.#unavailable > 0) {
      this.#unavailable--;
      return { status: 503 };
    }
    const known = this.sent.has(key);
    if (!known) this.sent.set(key, body as SentMail);
    return known ? { status: 202 } : { status: 202, done: this.sent.size };
  }
}
