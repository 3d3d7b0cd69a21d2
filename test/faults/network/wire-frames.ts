/**
 * Cuts one direction of a PostgreSQL connection into its messages. Changes nothing: the frames joined are the stream.
 *
 * https://www.postgresql.org/docs/15/protocol-message-formats.html
 */
export interface Frame {
  /** The type byte as a character; empty for a start-up message, which has none. */
  readonly type: string;
  /** The whole message, as it came. */
  readonly bytes: Buffer;
}

export class WireFrames {
  #rest: Buffer = Buffer.alloc(0);
  #starting: boolean;

  /** `frontend`: the client's direction, which begins with a message without a type. */
  constructor(direction: 'frontend' | 'backend') {
    this.#starting = direction === 'frontend';
  }

  push(chunk: Buffer): Frame[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    for (;;) {
      const frame = this.#next();
      if (frame === null) return frames;
      frames.push(frame);
    }
  }

  #next(): Frame | null {
    const typeBytes = this.#starting ? 0 : 1;
    if (this.#rest.length < typeBytes + 4) return null;
    const length = typeBytes + this.#rest.readInt32BE(typeBytes);
    if (this.#rest.length < length) return null;
    const bytes = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    const type = this.#starting ? '' : String.fromCharCode(bytes[0]!);
    this.#starting = false;
    return { type, bytes };
  }
}

/** True for a statement that says COMMIT and nothing else: a simple query, or one that is parsed, behind its name. */
export function asksToCommit({ type, bytes }: Frame): boolean {
  if (type === 'P') return text(bytes).split('\0')[1] === 'COMMIT';
  return type === 'Q' && text(bytes) === 'COMMIT';
}

/** True for the server's word that it has committed. */
export function hasCommitted({ type, bytes }: Frame): boolean {
  return type === 'C' && text(bytes) === 'COMMIT';
}

/** True for the server's word that it waits for the next statement of an open transaction. */
export function isWithinTransaction({ type, bytes }: Frame): boolean {
  return type === 'Z' && bytes.length === 6 && bytes[5] === 'T'.charCodeAt(0);
}

function text(bytes: Buffer): string {
  return bytes.subarray(5, -1).toString().trim();
}
