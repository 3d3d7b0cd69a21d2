/**
 * What is produced in a soak: as much as is handled, in slices that have a source and keys of their own. A producer that is
 * killed is followed by one that goes on where nobody knows what became of it.
 */
import { ledgerMessage, startPublisher } from '../../harness/ordinary-run.js';
import { recordedAttempts } from '../../harness/recorded-attempts.js';
import { SeededRandom } from '../../harness/seeded-random.js';
import type { Stage } from '../../harness/stage.js';
import type { WorkerProcess } from '../../harness/worker-process.js';
import type { Message } from '../../record/message.js';

/** Events of a slice, and how many may wait. */
const sliceSize = 10_000;
const mostWaiting = 40_000;
const keys = 300;
const sendAtOnce = 500;
/** Milliseconds between two business transactions. */
const publishEveryMs = 100;

interface Producing {
  readonly source: string;
  readonly messages: readonly Message[];
  worker: WorkerProcess;
}

export class Load {
  readonly #stage: Stage;
  readonly #producing: (Producing | null)[] = [null, null];
  /** Of the slices that are whole, the last one. */
  #whole: Producing | null = null;
  #publisher: WorkerProcess | null = null;
  #count = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** Starts as many slices as may be. */
  async topUp(handled: number): Promise<void> {
    for (const [place, one] of this.#producing.entries()) {
      if (one?.worker.exit === null) continue;
      if (one !== null) this.#ended(one);
      const waiting = this.#stage.messageCount - handled;
      this.#producing[place] = waiting < mostWaiting ? await this.#produce() : null;
    }
  }

  /** One that has begun to produce. Answers whether it was at work until then. */
  async kill(random: SeededRandom): Promise<boolean> {
    const alive = this.#producing.filter((one) => one?.worker.exit === null) as Producing[];
    if (alive.length === 0) {
      if (this.#producing[0]) this.#ended(this.#producing[0]);
      this.#producing[0] = await this.#produce();
    }
    const victim = alive.length === 0 ? this.#producing[0]! : random.pick(alive);
    const { worker } = victim;
    const begun = () => recordedAttempts(this.#stage.folder, [worker.name]).length > 0;
    await this.#stage.eventually(`${worker.name} produces`, async () => begun());
    await worker.kill();
    if (worker.exit?.signal !== 'SIGKILL') return false;
    const known = recordedAttempts(this.#stage.folder, this.#workers(victim.source));
    const done = new Set(known.filter(({ outcome }) => outcome === 'ok').map(({ message }) => message));
    const next = victim.messages.findIndex(({ attempt }) => !done.has(attempt.message));
    if (next !== -1) victim.worker = this.#start(victim.source, victim.messages.slice(next));
    return true;
  }

  /** Copies of what was produced lately; answers how many. */
  repeat(random: SeededRandom): number {
    if (this.#whole === null) return 0;
    const { source, messages } = this.#whole;
    const from = random.between(0, messages.length - 1);
    const some = messages.slice(from, from + 1_000);
    this.#start(source, some);
    return some.length;
  }

  async startPublisher(): Promise<void> {
    const stage = this.#stage;
    const source = 'publish';
    const count = Math.ceil(stage.options.durationMs / publishEveryMs);
    const messages = this.#messages(source, count);
    this.#publisher = await startPublisher(stage, messages, { paceMs: publishEveryMs });
    stage.slices.push({ source, workers: [this.#publisher.name] });
    stage.go(this.#publisher);
  }

  async end(): Promise<void> {
    this.#stage.enough();
    for (const worker of [...this.#stage.workers]) {
      if (worker.plan.role === 'produce' || worker === this.#publisher) await this.#stage.finished(worker);
    }
  }

  async #produce(): Promise<Producing> {
    const stage = this.#stage;
    const source = `slice-${this.#count++}`;
    const messages = this.#messages(source, sliceSize);
    await stage.prepareCounters(messages);
    stage.slices.push({ source, workers: [] });
    return { source, messages, worker: this.#start(source, messages) };
  }

  /** Each slice by a stream of its own. */
  #messages(source: string, length: number): Message[] {
    const random = new SeededRandom(this.#stage.options.seed, source);
    return Array.from({ length }, () => ledgerMessage(this.#stage, this.#asked(source, random)));
  }

  /** Now and then one that fails once, and one that is given up. */
  #asked(source: string, random: SeededRandom) {
    const asked = { source, key: `${source}:${random.between(1, keys)}` };
    const fails = random.between(1, 10_000);
    if (fails === 1) return { ...asked, act: { kind: 'fail' }, fate: 'dead-letter' } as const;
    return fails === 2 ? ({ ...asked, act: { kind: 'fail', once: true } } as const) : asked;
  }

  #start(source: string, messages: readonly Message[]): WorkerProcess {
    const stage = this.#stage;
    const file = stage.messageFile(messages);
    const worker = stage.start({ role: 'produce', messages: file, sendAtOnce });
    this.#workers(source).push(worker.name);
    return worker;
  }

  #ended(one: Producing): void {
    if (one.worker.complaint !== null) this.#stage.stuck.push(one.worker.complaint);
    this.#whole = one;
  }

  #workers(source: string): string[] {
    return this.#stage.slices.find((slice) => slice.source === source)!.workers;
  }
}
