/**
 * A TCP proxy in front of PostgreSQL that cuts the connection at a COMMIT: before it reaches the server, or after
 * the server has carried it out and before its answer reaches the client. Or stops passing anything on.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export type Fault = 'cut-before-commit' | 'cut-after-commit' | 'hold-before-commit' | null;

export class CuttingProxy {
  /** What happens at the next COMMIT; then `null` again. */
  fault: Fault = null;
  /** How often a fault was carried out. */
  fired = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(readonly target: URL) {
    this.#server = createServer((client) => this.#join(client));
  }

  static async start(target: string): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(new URL(target));
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** The target's URL, by way of this proxy. */
  get url(): string {
    const url = new URL(this.target.href);
    url.hostname = '127.0.0.1';
    url.port = String((this.#server.address() as AddressInfo).port);
    return url.href;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket): void {
    const server = connect(Number(this.target.port), this.target.hostname);
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        if (!held) (socket === client ? server : client).destroy();
      });
    }
    let held = false;
    let answerCut = false;
    client.on('data', (data) => {
      const fault = data.includes('COMMIT\0') ? this.#take() : null;
      held ||= fault === 'hold-before-commit';
      answerCut ||= fault === 'cut-after-commit';
      if (fault === 'cut-before-commit') client.destroy();
      else if (!held) server.write(data);
    });
    server.on('data', (data) => {
      if (answerCut) client.destroy();
      else client.write(data);
    });
  }

  #take(): Fault {
    const { fault } = this;
    this.fault = null;
    if (fault !== null) this.fired++;
    return fault;
  }
}
