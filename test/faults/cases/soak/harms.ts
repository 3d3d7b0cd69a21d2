/**
 * What happens to a soak. The order is the seed's; each kind comes once before any comes again.
 */
import { endSessions } from '../../harness/end-sessions.js';
import { leaseMs } from '../../harness/relays.js';
import { SeededRandom } from '../../harness/seeded-random.js';
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
  readonly #random: SeededRandom;
  #next: Kind[] = [];

  constructor(stage: Stage, parts: Parts) {
    this.#stage = stage;
    this.#parts = parts;
    this.#random = new SeededRandom(stage.options.seed, 'harms');
    Object.assign(stage.schedule, { harms: this.#order });
  }

  readonly #order: Kind[] = [];

  async next(): Promise<void> {
    if (this.#next.length === 0) this.#next = this.#random.shuffled(kinds);
    const kind = this.#next.pop()!;
    this.#asked.add(kind);
    this.#order.push(kind);
    // A stream for each: what one of them takes from it does not move the next.
    const random = new SeededRandom(this.#stage.options.seed, `harm ${this.#order.length}`);
    const times = await this.#do(kind, random);
    this.#count(kind, times);
  }

  async end(): Promise<void> {
    const { crew, proxy } = this.#parts;
    proxy.disarm();
    await crew.rest();
    // Its DataSource would wait for half-open connections to close, for as long as TCP does.
    if (this.done['black hole'] !== undefined) await crew.kill(crew.consumers[0]!);
  }

  /** Each kind that was asked for has happened; `takeOvers`: of those that were stopped, too, which short runs may lack. */
  prove(takeOvers: boolean): void {
    for (const kind of this.#asked)
      this.#stage.fault(`${kind}: ${this.done[kind] ?? 0}`, (this.done[kind] ?? 0) > 0);
    if (!takeOvers) return;
    const { fenced, taken } = this.takeOvers();
    this.#stage.check(`a consumer that was stopped is refused when it wakes (${fenced} were)`, fenced > 0);
    this.#stage.check(`a relay that is stopped loses its shard meanwhile (${taken} were taken)`, taken > 0);
  }

  /** Of those that were stopped past their time: consumers that the fence refused afterwards, shards that others took meanwhile. */
  takeOvers(): { readonly fenced: number; readonly taken: number } {
    const evidence = this.#stage.evidence();
    const lines = (kind: 'fenced' | 'took') => evidence.filter((line) => line.kind === kind);
    const [refusals, takes] = [lines('fenced'), lines('took')];
    const { slept } = this.#parts.crew;
    const isRefused = ({ worker, toMs }: (typeof slept)[number]) =>
      refusals.some((line) => line.worker === worker && line.atMs >= toMs);
    const meanwhile = ({ worker, fromMs, toMs }: (typeof slept)[number]) =>
      takes.filter((line) => line.worker !== worker && line.atMs > fromMs && line.atMs <= toMs).length;
    const relays = slept.filter(({ worker }) => worker.startsWith('relay'));
    return {
      fenced: slept.filter(isRefused).length,
      taken: relays.reduce((sum, one) => sum + meanwhile(one), 0),
    };
  }

  /** How often it happened at once; a cut is counted when it comes, a stop when it is over. */
  async #do(kind: Kind, random: SeededRandom): Promise<number> {
    const { crew, load, proxy } = this.#parts;
    const { broker } = this.#stage;
    if (kind === 'producer killed') return Number(await load.kill(random));
    if (kind === 'copies') return Number(load.repeat(random) > 0);
    if (kind === 'black hole') return Number(proxy.blackHole() > 0);
    if (kind === 'sessions ended')
      return (await endSessions(this.#stage, random.pick([0.1, 0.3, 1]), random)).busy;
    if (kind === 'cut before COMMIT' || kind === 'cut after COMMIT') {
      const cut = kind === 'cut before COMMIT' ? 'before COMMIT' : 'after COMMIT';
      void proxy.cut(cut, random.between(0, 3)).then(() => this.#count(kind, 1));
      return 0;
    }
    const relays = kind.startsWith('relay');
    const inOrder = kind === 'consumer replaced'; // not the one behind the proxy: see `end`
    const posts = relays ? crew.relays : crew.consumers.slice(inOrder ? 1 : 0);
    const post = await crew.victim(posts, random);
    if (post === null) return 0;
    if (kind.endsWith('killed')) return Number(await crew.kill(post));
    if (inOrder) {
      crew.replace(post);
      return 1;
    }
    const ms = (relays ? leaseMs : broker.sessionTimeoutMs) + random.between(200, 1_500);
    crew.stop(post, ms, () => this.#count(kind, 1));
    return 0;
  }

  #count(kind: Kind, times: number): void {
    this.done[kind] = (this.done[kind] ?? 0) + times;
  }
}
