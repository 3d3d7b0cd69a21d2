/**
 * What happens to a soak. The order is the seed's; each kind comes once before any comes again.
 */
import { endSessions } from '../../harness/end-sessions.js';
import { leaseMs } from '../../harness/relays.js';
import type { Stage } from '../../harness/stage.js';
import type { PostgresProxy } from '../../network/postgres-proxy.js';
import type { Crew } from './crew.js';
import type { Load } from './load.js';

interface Parts {
  readonly crew: Crew;
  readonly load: Load;
  readonly proxy: PostgresProxy;
}

const kinds = [
  'consumer killed',
  'consumer killed',
  'relay killed',
  'producer killed',
  'consumer stopped past its session',
  'relay stopped past its lease',
  'consumer replaced',
  'sessions ended',
  'cut before COMMIT',
  'cut after COMMIT',
  'black hole',
  'copies',
] as const;
type Kind = (typeof kinds)[number];

export class Harms {
  /** How often each has happened. */
  readonly done: Partial<Record<Kind, number>> = {};
  readonly #stage: Stage;
  readonly #parts: Parts;
  readonly #asked = new Set<Kind>();
  #next: Kind[] = [];

  constructor(stage: Stage, parts: Parts) {
    this.#stage = stage;
    this.#parts = parts;
    Object.assign(stage.schedule, { harms: this.#order });
  }

  readonly #order: Kind[] = [];

  async next(): Promise<void> {
    if (this.#next.length === 0) this.#next = this.#stage.random.shuffled(kinds);
    const kind = this.#next.pop()!;
    this.#asked.add(kind);
    this.#order.push(kind);
    const times = await this.#do(kind);
    this.#count(kind, times);
  }

  async end(): Promise<void> {
    const { crew, proxy } = this.#parts;
    proxy.disarm();
    await crew.wake(true);
    // Its DataSource would wait for half-open connections to close, for as long as TCP does.
    if (this.done['black hole'] !== undefined) await crew.kill(crew.consumers[0]!);
  }

  /** Each kind that was asked for has happened. */
  prove(): void {
    for (const kind of this.#asked)
      this.#stage.fault(`${kind}: ${this.done[kind] ?? 0}`, (this.done[kind] ?? 0) > 0);
  }

  /** How often it happened at once; a cut is counted when it comes. */
  async #do(kind: Kind): Promise<number> {
    const { crew, load, proxy } = this.#parts;
    const { random, broker } = this.#stage;
    if (kind === 'producer killed') return Number(await load.kill());
    if (kind === 'copies') return Number(load.repeat() > 0);
    if (kind === 'black hole') return Number(proxy.blackHole() > 0);
    if (kind === 'sessions ended') return (await endSessions(this.#stage, random.pick([0.1, 0.3, 1]))).busy;
    if (kind === 'cut before COMMIT' || kind === 'cut after COMMIT') {
      const cut = kind === 'cut before COMMIT' ? 'before COMMIT' : 'after COMMIT';
      void proxy.cut(cut, random.between(0, 3)).then(() => this.#count(kind, 1));
      return 0;
    }
    const relays = kind.startsWith('relay');
    const inOrder = kind === 'consumer replaced'; // not the one behind the proxy: see `end`
    const post = crew.victim(relays ? crew.relays : crew.consumers.slice(inOrder ? 1 : 0));
    if (post === null) return 0;
    if (inOrder) crew.replace(post);
    else if (kind.endsWith('killed')) return Number(await crew.kill(post));
    else crew.stop(post, (relays ? leaseMs : broker.sessionTimeoutMs) + random.between(200, 1_500));
    return 1;
  }

  #count(kind: Kind, times: number): void {
    this.done[kind] = (this.done[kind] ?? 0) + times;
  }
}
