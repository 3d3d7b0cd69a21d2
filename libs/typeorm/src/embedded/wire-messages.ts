/**
 * The few messages of PostgreSQL's wire protocol that the embedded session has to know by itself.
 *
 * pg writes whole messages, so a chunk is a row of them
 * (https://www.postgresql.org/docs/current/protocol-message-formats.html).
 */
import { refuseCopySql, rollbackSql } from './session.sql.js';

/** Of ReadyForQuery: idle, in a transaction, in a failed one. */
export type SessionStatus = 'idle' | 'transaction' | 'failed';

/** What a client may ask before its session begins; anything else at that place begins it. */
export type Opening = 'encryption' | 'cancel' | 'startup';

interface Message {
  readonly type: string;
  readonly body: Buffer;
  /** With its type and length. */
  readonly whole: Buffer;
}

const statuses: Readonly<Record<string, SessionStatus>> = { I: 'idle', T: 'transaction', E: 'failed' };
const headBytes = 5;

export function openingOf(chunk: Buffer): Opening {
  const code = chunk.length >= 8 ? chunk.readInt32BE(4) : 0;
  if (code === 80_877_103 || code === 80_877_104) return 'encryption'; // SSLRequest, GSSENCRequest
  return code === 80_877_102 ? 'cancel' : 'startup';
}

/** Says that the session is not encrypted. */
export const noEncryption = Buffer.from('N');

/** Ends whatever is open, also where an error has made the session skip to the next Sync. */
export const rollbackRequest = Buffer.concat([
  messageOf('S', Buffer.alloc(0)),
  messageOf('Q', Buffer.from(`${rollbackSql}\0`)),
]);

/** What of a chunk is for the database, and whether the client says farewell behind it. */
export function requestsOf(chunk: Buffer): { readonly requests: Buffer; readonly farewell: boolean } {
  const requests: Buffer[] = [];
  let farewell = false;
  for (const message of messagesOf(chunk)) {
    farewell = message.type === 'X';
    if (farewell) break;
    requests.push(withoutCopyIn(message));
  }
  return { requests: requests.length === 1 ? requests[0]! : Buffer.concat(requests), farewell };
}

/** The status that the last ReadyForQuery of a response gives; `null` where the response does not end with one. */
export function statusAfter(response: Buffer): SessionStatus | null {
  let last: Message | null = null;
  for (const message of messagesOf(response)) last = message;
  return last?.type === 'Z' ? (statuses[last.body.toString('latin1')] ?? null) : null;
}

/** Query and Parse hold a text; Parse a name before it. */
function withoutCopyIn({ type, body, whole }: Message): Buffer {
  if (type !== 'Q' && type !== 'P') return whole;
  const from = type === 'Q' ? 0 : body.indexOf(0) + 1;
  const end = body.indexOf(0, from);
  const text = body.toString('utf8', from, end);
  if (!/^\s*copy\s/i.test(text) || !/\sfrom\s+stdin\b/i.test(text)) return whole;
  return messageOf(
    type,
    Buffer.concat([body.subarray(0, from), Buffer.from(refuseCopySql), body.subarray(end)]),
  );
}

function* messagesOf(bytes: Buffer): Generator<Message> {
  let at = 0;
  while (at + headBytes <= bytes.length) {
    const end = at + 1 + Math.max(4, bytes.readInt32BE(at + 1));
    const whole = bytes.subarray(at, end);
    yield { type: String.fromCharCode(bytes[at]!), body: whole.subarray(headBytes), whole };
    at = end;
  }
}

function messageOf(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(headBytes);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
