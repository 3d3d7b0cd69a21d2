/**
 * Stands between a worker and PostgreSQL, and cuts the connection around a COMMIT: just before the server gets it
 * (nothing is durable), or after the server has answered and before the worker hears of it (all is durable). The
 * worker sees the same in both. Or it lets connections become half open: both ends hear nothing any more, not even that
 * the other has hung up.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { asksToCommit, hasCommitted, isWithinTransaction, WireFrames } from './wire-frames.js';

export type Cut = 'before COMMIT' | 'after COMMIT';

export class PostgresProxy {
  readonly #server: Server;
  readonly #upstream: { host: string; port: number };
  readonly #sockets = new Set<Socket>();
  #armed: { cut: Cut; skip: number; fired: () => void } | null = null;
  #closed = false;
  #swallowing = false;
  #awaitsTransaction: (() => void) | null = null;
  readonly #halfOpen = new WeakSet<Socket>();

  private constructor(upstream: { host: string; port: number }) {
    this.#upstream = upstream;
    this.#server = createServer((client) => this.#serve(client));
  }

  static async start(databaseUrl: string): Promise<PostgresProxy> {
    const { hostname, port } = new URL(databaseUrl);
    const proxy = new PostgresProxy({ host: hostname, port: Number(port || 5432) });
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** The same database through this proxy. */
  through(databaseUrl: string): string {
    const url = new URL(databaseUrl);
    const address = this.#server.address();
    url.host = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
    return url.href;
  }

  /**
   * Cuts at the COMMIT after `skip` others; resolves when it has. With `andClose` all other connections are cut, too, and
   * nobody gets through until `open` is called.
   */
  cut(cut: Cut, skip: number, andClose = false): Promise<void> {
    return new Promise((resolve) => {
      const fired = () => {
        this.#armed = null;
        this.#closed = andClose;
        if (andClose) this.#cutAll();
        resolve();
      };
      this.#armed = { cut, skip, fired };
    });
  }

  /** A cut that is still to come does not come. */
  disarm(): void {
    this.#armed = null;
  }

  /** Lets those who come from now on through, and nobody whom it swallows. */
  open(): void {
    this.#closed = false;
    this.#swallowing = false;
  }

  /**
   * All connections of now become half open, for ever; with `andSwallow` also those that come until `open` is called.
   * Answers how many there were.
   */
  blackHole(andSwallow = false): number {
    this.#swallowing = andSwallow;
    const known = [...this.#sockets].filter((socket) => !this.#halfOpen.has(socket));
    for (const socket of known) this.#lose(socket);
    return known.length / 2;
  }

  /** The same, as soon as the server has told one of them that its transaction is open. */
  blackHoleWithinTransaction(andSwallow: boolean): Promise<number> {
    return new Promise((resolve) => {
      this.#awaitsTransaction = () => {
        this.#awaitsTransaction = null;
        resolve(this.blackHole(andSwallow));
      };
    });
  }

  #lose(socket: Socket): void {
    this.#halfOpen.add(socket);
    socket.removeAllListeners('data');
    socket.removeAllListeners('close');
    socket.on('close', () => this.#sockets.delete(socket));
    socket.pause();
  }

  async close(): Promise<void> {
    this.#cutAll();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(client: Socket): void {
    if (this.#closed) {
      client.destroy();
      return;
    }
    if (this.#swallowing) {
      this.#sockets.add(client);
      client.on('error', () => undefined);
      this.#lose(client);
      return;
    }
    const server = connect(this.#upstream);
    const both = [client, server];
    const end = () => {
      for (const socket of both) socket.destroy();
    };
    for (const socket of both) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        end();
      });
    }
    this.#relay(client, server, end);
  }

  #relay(client: Socket, server: Socket, end: () => void): void {
    const [asked, answered] = [new WireFrames('frontend'), new WireFrames('backend')];
    let onCommitted: (() => void) | null = null;
    client.on('data', (chunk: Buffer) => {
      for (const frame of asked.push(chunk)) {
        const armed = this.#armed;
        if (armed !== null && onCommitted === null && asksToCommit(frame) && armed.skip-- === 0) {
          if (armed.cut === 'before COMMIT') {
            armed.fired();
            end();
            return;
          }
          onCommitted = armed.fired;
        }
        server.write(frame.bytes);
      }
    });
    server.on('data', (chunk: Buffer) => {
      // The server's answer to SSLRequest is a single byte without a frame; our workers do not ask for TLS.
      for (const frame of answered.push(chunk)) {
        if (onCommitted !== null && hasCommitted(frame)) {
          onCommitted();
          end();
          return;
        }
        client.write(frame.bytes);
        if (this.#awaitsTransaction !== null && isWithinTransaction(frame)) {
          this.#awaitsTransaction();
          return;
        }
      }
    });
  }
}
