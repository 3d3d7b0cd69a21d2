/**
 * One run of the show: starts the shop, has orders placed, kills it as planned, starts it again, and waits until all
 * is worked off. What it knows is what the page shows.
 *
 * Decides nothing about the shop's books: the figures and the audit are the shop's own.
 */
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import type { JourneyStep, ShowPhase, ShowSource, ShowState } from '../page/show-state.js';
import type { Look, Report } from '../stage/messages.js';
import { commandAgain, type ShowOptions } from './command-line.js';
import { CrashLog } from './crash-log.js';
import { Journeys } from './journeys.js';
import { planKills } from './kill-plan.js';
import { placeOrders } from './order-desk.js';
import { ShopProcess } from './shop-process.js';

type Held = Extract<Report, { kind: 'held' }>;

/** Milliseconds between two looks at the shop's books, and how much longer than a look takes it is at least. */
const lookMs = 300;
const lookShare = 4;
const tickMs = 50;
/** Looks in a row that must find the shop at rest. */
const restfulLooks = 3;
/** Milliseconds without any change after which a run is given up. */
const patienceMs = 120_000;

export class Show implements ShowSource {
  readonly #options: ShowOptions;
  readonly #folder: string;
  readonly #changes = new EventEmitter().setMaxListeners(0);
  readonly #journeys = new Journeys();
  readonly #crashLog: CrashLog;
  readonly #over = new AbortController();
  readonly #startedAtMs = Date.now();
  #phase: ShowPhase = 'starting';
  #shop: ShopProcess | null = null;
  #port: number | null = null;
  /** What the process said when it stopped within an open transaction, until it is killed. */
  #held: Held | null = null;
  /** Orders that customers know to be placed. */
  readonly #confirmed: string[] = [];
  /** How many of them this process of the shop has been told. */
  #told = 0;
  /** How many orders may be placed before the next kill is prepared. */
  #allowed = 0;
  #look: Look | null = null;
  #lookedAtMs = 0;
  #askedAtMs: number | null = null;
  #nextLookAtMs = 0;
  #restful = 0;
  #moved = { what: '', atMs: Date.now() };
  #mostMemoryMiB = 0;
  #endedAtMs: number | null = null;
  #playing: Promise<void> | null = null;

  /** `folder` is where the shop keeps its data. */
  constructor(options: ShowOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
    this.#crashLog = new CrashLog(options.unsafe);
  }

  /** Resolves when the run is over. Rejects where the shop ended by itself, stands still, or refuses an order. */
  async run(): Promise<void> {
    const watching = this.#watch();
    this.#playing = this.#play();
    try {
      await Promise.race([watching, this.#playing]);
    } finally {
      this.#breakOff();
      await watching.catch(() => undefined);
    }
  }

  async #play(): Promise<void> {
    await this.#start();
    const parts = {
      orders: this.#options.orders,
      seed: this.#options.seed,
      port: () => this.#port,
      turn: (number: number) => this.#until(() => number < this.#allowed),
      placed: (orderId: string) => {
        this.#confirmed.push(orderId);
        this.#changed();
      },
    };
    await Promise.all([placeOrders(parts, this.#over.signal), this.#killAsPlanned()]);
    this.#enter('draining');
    this.#restful = 0;
    await this.#until(() => this.#restful >= restfulLooks);
    this.#endedAtMs = Date.now();
    this.#enter('done');
  }

  /** The shop goes on until then; the run may be over. No process is begun afterwards. */
  async close(): Promise<void> {
    this.#breakOff();
    await (this.#held === null ? this.#shop?.stop() : this.#shop?.kill());
    await this.#playing?.catch(() => undefined); // it was broken off, or `run` has told
  }

  state(): ShowState {
    const { orders, seed, unsafe } = this.#options;
    const look = this.#look;
    return {
      mode: unsafe ? 'unsafe' : 'protected',
      phase: this.#phase,
      seed,
      again: commandAgain(this.#options),
      elapsedMs: (this.#endedAtMs ?? Date.now()) - this.#startedAtMs,
      orders: { wanted: orders, ...(look?.orders ?? { placed: 0, paid: 0, shipped: 0, cancelled: 0 }) },
      payments: look?.payments ?? 0,
      refusals: look?.refusals ?? 0,
      shipments: look?.shipments ?? 0,
      notifications: look?.notifications ?? 0,
      deliveries: this.#journeys.deliveries,
      duplicatesAbsorbed: this.#journeys.duplicates,
      crashes: this.#crashLog.crashes,
      audit: look === null ? null : { ...look.audit, atMs: this.#lookedAtMs },
      memoryMiB: look?.memoryMiB ?? 0,
      recent: look?.recent ?? [],
    };
  }

  /** Kills that are shown to have landed within an open transaction. */
  get provenKills(): number {
    return this.#crashLog.proven(this.#journeys);
  }

  /** Of any process of the shop in this run, in MiB. */
  get mostMemoryMiB(): number {
    return this.#mostMemoryMiB;
  }

  subscribe(listener: () => void): () => void {
    this.#changes.on('change', listener);
    return () => this.#changes.off('change', listener);
  }

  journey(orderId: string): readonly JourneyStep[] | null {
    return this.#journeys.of(orderId);
  }

  async #start(): Promise<void> {
    this.#over.signal.throwIfAborted();
    const { seed, copies, unsafe, orders } = this.#options;
    const crashes = this.#crashLog.crashes.length;
    const plan = { folder: join(this.#folder, 'data'), seed, crashes, orders, copies, unsafe };
    const log = join(this.#folder, 'shop.log');
    const shop = new ShopProcess(plan, log, (report) => this.#hear(report));
    this.#shop = shop;
    this.#told = 0;
    this.#askedAtMs = null;
    await this.#until(() => this.#port !== null);
    this.#enter('running');
  }

  /** A kill is prepared before the orders behind it are placed, so there is always work for it to land in. */
  async #killAsPlanned(): Promise<void> {
    const { seed, orders, kills } = this.#options;
    const planned = planKills(seed, orders, kills);
    this.#allow(planned[0]?.afterOrders ?? orders);
    for (const [at, { afterOrders, where }] of planned.entries()) {
      await this.#until(() => this.#confirmed.length >= afterOrders);
      this.#shop!.tell({ kind: 'hold', where });
      this.#allow(planned[at + 1]?.afterOrders ?? orders);
      await this.#kill();
      await this.#start();
    }
  }

  #allow(orders: number): void {
    this.#allowed = orders;
    this.#changed();
  }

  /** Waits until the process says that it stands within an open transaction. */
  async #kill(): Promise<void> {
    await this.#until(() => this.#held !== null);
    const events = this.#held!.written;
    this.#held = null;
    this.#port = null;
    this.#enter('crashed');
    await this.#shop?.kill();
    this.#shop = null;
    const atMs = this.#now();
    this.#journeys.crashed(events, atMs);
    this.#crashLog.add(events, atMs);
    this.#enter('restarting');
  }

  #hear(report: Report): void {
    if (report.kind === 'ready') this.#port = report.port;
    else if (report.kind === 'steps') this.#journeys.add(report.steps, this.#now());
    else if (report.kind === 'look') this.#looked(report.look);
    else this.#held = report;
    this.#changed();
  }

  #looked(look: Look): void {
    this.#look = look;
    this.#lookedAtMs = this.#now();
    this.#nextLookAtMs =
      Date.now() + Math.max(lookMs, lookShare * (Date.now() - (this.#askedAtMs ?? Date.now())));
    this.#askedAtMs = null;
    this.#mostMemoryMiB = Math.max(this.#mostMemoryMiB, look.mostMemoryMiB);
    this.#restful = look.atRest ? this.#restful + 1 : 0;
  }

  /** Looks at the books again and again; rejects where the shop has ended by itself or is silent. */
  async #watch(): Promise<void> {
    while (!this.#over.signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, tickMs));
      const shop = this.#shop;
      if (shop === null || this.#phase === 'crashed' || this.#over.signal.aborted) continue;
      if (!shop.running) {
        await shop.ended;
        throw new Error(`the shop's process ended by itself: ${shop.lastWords()}`);
      }
      if (this.#stillMs() > patienceMs) {
        throw new Error(`nothing has moved for ${patienceMs / 1_000} s: ${shop.lastWords()}`);
      }
      if (this.#port !== null && this.#askedAtMs === null && Date.now() >= this.#nextLookAtMs)
        this.#ask(shop);
    }
  }

  /** Milliseconds since anything of the run changed: that the books can be read is no progress. */
  #stillMs(): number {
    const { deliveries, duplicates } = this.#journeys;
    const what = [this.#phase, this.#confirmed.length, deliveries, duplicates, this.#restful].join(' ');
    if (what !== this.#moved.what) this.#moved = { what, atMs: Date.now() };
    return Date.now() - this.#moved.atMs;
  }

  #breakOff(): void {
    this.#over.abort(new Error('the run was broken off'));
    this.#changed();
  }

  #ask(shop: ShopProcess): void {
    const acknowledged = this.#confirmed.slice(this.#told);
    this.#told = this.#confirmed.length;
    this.#askedAtMs = Date.now();
    shop.tell({ kind: 'look', acknowledged, final: this.#phase === 'draining' });
  }

  /** Waits for a condition that reports and customers bring about. */
  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      this.#over.signal.throwIfAborted();
      await new Promise<void>((resolve) => this.#changes.once('change', () => resolve()));
    }
  }

  #enter(phase: ShowPhase): void {
    this.#phase = phase;
    this.#changed();
  }

  #changed(): void {
    this.#changes.emit('change');
  }

  #now(): number {
    return Date.now() - this.#startedAtMs;
  }
}
