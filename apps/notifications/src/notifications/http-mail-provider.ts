/**
 * A provider behind HTTP: `POST <url>` with an `idempotency-key` header, answered by any 2xx. What it does not
 * understand (400, 422) is no use a second time and becomes a dead letter; all else is tried again.
 */
import { PermanentError } from '@exactly-once/nestjs';
import { type Mail, MailProvider } from './mail-provider.js';

export class HttpMailProvider extends MailProvider {
  constructor(private readonly url: string) {
    super();
  }

  async send({ idempotencyKey, ...mail }: Mail, signal: AbortSignal): Promise<void> {
    const { ok, status } = await fetch(this.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
      body: JSON.stringify(mail),
      signal,
    });
    if (ok) return;
    const what = `the mail provider answered ${status}`;
    throw status === 400 || status === 422 ? new PermanentError(what) : new Error(what);
  }
}
