/**
 * The company that sends mail, as the handlers see it: another system, called at least once for a notification.
 * It is told the event's idempotency key, and sends a key's mail once; that is what keeps a second call harmless.
 */
export interface Mail {
  /** The same for every attempt at an event, in every process. */
  readonly idempotencyKey: string;
  readonly orderId: string;
  readonly text: string;
}

export abstract class MailProvider {
  /** Resolves when the mail is accepted, now or before. Rejects where it is not. Gives up when `signal` aborts. */
  abstract send(mail: Mail, signal: AbortSignal): Promise<void>;
}

/** Where no provider is configured: the notification stays a row. */
export class NoMailProvider extends MailProvider {
  async send(): Promise<void> {}
}
