/**
 * `checkExactlyOnce`: runs a user's handlers under every crash point, rollback, copy and order, and compares what they
 * leave with one run in which nothing happened.
 */
import { ExactlyOnceError, hasCode } from '@exactly-once/core';
import type { Recipe } from '../application/recipe.js';
import { type TestApplication, testedBy } from '../application/test-application.js';
import { Books, type Rows } from './books.js';
import { type CheckOptions, type Ignoring, ignoringOf } from './check-options.js';
import { compareClean, describeDifferences, type Varying } from './clean-runs.js';
import { inPairs, reordered } from './event-orders.js';
import {
  type CheckReport,
  distinct,
  type Finding,
  type FindingKind,
  finding,
  NotExactlyOnce,
} from './finding.js';
import { PlantedFault, type Point, pointLabel } from './planted-fault.js';
import { type Ground, Trial, type TrialResult } from './trial.js';

/** Statements of the handlers before which a run is cut; the rest are like them. */
const mostStatements = 20;

/**
 * Throws NotExactlyOnce, whose message names each mistake, when it happened, and what to do. `events`: one, or several
 * in the order in which they are delivered; those of different keys are delivered in another order, too.
 *
 * Works on the application's database: what stands in its tables when it is called is what each run begins with, and
 * stands there again at the end. Nobody else may use it meanwhile. All tables are emptied for each run: not for a
 * database that you would miss; more than 10,000 rows are refused.
 *
 * `options`: what is not looked at, and how the events are delivered. Throws EO_OPTION_UNKNOWN, EO_OPTION_INVALID.
 *
 * Where the application is closed meanwhile, as after a test that took too long, the check ends with EO_SHUTTING_DOWN,
 * and the rows are put back before `close()` resolves. Throws EO_STORAGE_UNAVAILABLE where they cannot be. A process
 * that is killed puts nothing back.
 */
export async function checkExactlyOnce(
  application: TestApplication,
  events: object | readonly object[],
  options: CheckOptions = {},
): Promise<CheckReport> {
  const ignoring = ignoringOf(options);
  const given = Array.isArray(events) ? (events as object[]) : [events];
  if (given.length === 0)
    throw new ExactlyOnceError('EO_OPTION_INVALID', 'checkExactlyOnce() was given no event');
  const { recipe, event, during } = testedBy(application);
  const made = await Promise.all(given.map((one, index) => event(one, options.delivery?.(one, index) ?? {})));
  return during((signal) => checkOn(recipe, { events: made, ignoring, signal }));
}

async function checkOn(
  recipe: Recipe,
  parts: Pick<CheckGround, 'events' | 'ignoring' | 'signal'>,
): Promise<CheckReport> {
  const { database } = recipe;
  const schema = (await database?.createSchema()) ?? null;
  let books: Books | null = null;
  try {
    if (database !== null && schema !== null) books = await Books.open(await database.admin(), schema);
    return await new Check({ recipe, books, schema, publishedAtMs: Date.now(), ...parts }).run();
  } finally {
    await books?.reset().catch(notPutBack);
    if (schema !== null) await database?.dropSchema(schema);
  }
}

/** Comes before all that was found: somebody's rows are gone. */
function notPutBack(cause: unknown): never {
  const what =
    'checkExactlyOnce() could not put the rows back that stood in the tables before it; they hold what its last run left';
  throw new ExactlyOnceError('EO_STORAGE_UNAVAILABLE', what, { cause });
}

interface CheckGround extends Ground {
  readonly ignoring: Ignoring;
}

class Check {
  readonly #ground: CheckGround;
  readonly #findings: Finding[] = [];
  #notes: readonly string[] = [];
  #runs = 0;
  /** Tables that are to survive a rollback. */
  #outside: ReadonlySet<string> = new Set();

  constructor(ground: CheckGround) {
    this.#ground = ground;
  }

  async run(): Promise<CheckReport> {
    const clean = await this.#trial((trial) => trial.run(PlantedFault.none()));
    if (clean.failure !== null) {
      this.#findings.push(cleanFailure(clean));
      return this.#report();
    }
    this.#lookAtSwallowed(clean, 'a run without any fault');
    const again = await this.#trial((trial) => trial.run(PlantedFault.none()));
    const varying = compareClean(clean, again, this.#ground.ignoring.fields);
    this.#findings.push(...varying.findings);
    const outside = [...this.#outside].map(
      (one) => `"${one}" is written in ExactlyOnce.outside(), and was not compared`,
    );
    this.#notes = [...this.#uncompared(clean), ...varying.notes, ...outside];
    await this.#crashes(clean, varying);
    await this.#rollbacks(clean, varying);
    await this.#copies(clean, varying);
    await this.#orders(clean, varying);
    await this.#across(clean, varying);
    return this.#report();
  }

  #uncompared({ fault }: TrialResult): string[] {
    const notes: string[] = [];
    if (this.#ground.books === null) {
      notes.push(
        'no table was compared: the module imports no TypeOrmModule, and what its handlers write by other means is not seen',
      );
    }
    const { length } = fault.statements;
    if (length > mostStatements)
      notes.push(`the handlers ran ${length} statements, and were cut at the first ${mostStatements} only`);
    return notes;
  }

  async #crashes(clean: TrialResult, varying: Varying): Promise<void> {
    const points: Point[] = [
      'before the transaction began',
      'after the inbox insert',
      ...this.#statements(clean),
      'after the handler, before COMMIT',
      'after COMMIT, before the acknowledgement',
    ];
    for (const point of points) {
      const result = await this.#trial((trial) => trial.runTwice(PlantedFault.crash(point)));
      const when = `the process ends ${pointLabel(point, clean.fault.statements)}, and another one takes over`;
      if (point !== points.at(-1)) this.#lookAtLeft(result, varying, when);
      this.#compare('crash', clean, result, { varying, when });
    }
  }

  /** Written, and the transaction is not. */
  #lookAtLeft({ leftBehind }: TrialResult, { rows }: Varying, when: string): void {
    if (this.#ground.books === null || leftBehind === null || this.#ground.events.length > 1) return;
    const tables = describeDifferences(this.#compared(this.#ground.books.start), leftBehind, rows, 'row');
    for (const table of tables) {
      const what = `a row was written outside of the event's transaction, and stays where that is not committed: ${table}`;
      this.#findings.push(finding('written-outside', what, when));
    }
  }

  async #rollbacks(clean: TrialResult, varying: Varying): Promise<void> {
    const points: Point[] = ['after the handler, before COMMIT', ...this.#statements(clean)];
    for (const point of points) {
      const result = await this.#trial((trial) => trial.run(PlantedFault.rollback(point)));
      const label = pointLabel(point, clean.fault.statements);
      const when = `the database rolls back ${label}, and the same process calls the handler again`;
      this.#lookAtSwallowed(result, when);
      this.#lookAtCalls(clean, result, when);
      if (!result.fault.absorbed) this.#compare('memory', clean, result, { varying, when });
    }
  }

  #lookAtSwallowed({ fault }: TrialResult, when: string): void {
    for (const { handler, statement } of fault.swallowed) {
      const at = statement.site === null ? '' : ` at ${statement.site}`;
      const what = `${handler} swallowed an SQL error${at} and went on; PostgreSQL takes nothing any more in that transaction`;
      this.#findings.push(finding('swallowed', what, when));
    }
  }

  #lookAtCalls(clean: TrialResult, result: TrialResult, when: string): void {
    const counted = (all: TrialResult, target: string) =>
      all.outsideCalls.filter((call) => call.target === target && !call.keyed).length;
    for (const { handler, target, keyed } of result.outsideCalls) {
      if (keyed || counted(result, target) <= counted(clean, target)) continue;
      if (this.#ground.ignoring.calls.some((one) => target.startsWith(one))) continue;
      const what = `${handler} called ${target} again, without an idempotency key in a header or the path`;
      this.#findings.push(finding('outside-call', what, when));
    }
  }

  async #copies(clean: TrialResult, varying: Varying): Promise<void> {
    const twice = await this.#trial((trial) => trial.run(PlantedFault.none(), { copies: 2, rounds: 2 }));
    const when = 'each event comes twice, and twice again after a restart';
    this.#compare('copies', clean, twice, { varying, when });
    const beside = await this.#trial((trial) => trial.runBeside());
    this.#compare('copies', clean, beside, {
      varying,
      when: 'two processes get the same event at the same time',
    });
  }

  async #orders(clean: TrialResult, varying: Varying): Promise<void> {
    const events = reordered(this.#ground.events);
    if (events === null) return;
    const result = await this.#trial((trial) => trial.run(PlantedFault.none(), { events }));
    this.#compare('order', clean, result, {
      varying,
      when: 'events of different keys come in another order',
    });
  }

  async #across(clean: TrialResult, varying: Varying): Promise<void> {
    const { events, books, recipe } = this.#ground;
    const pairs = inPairs(events);
    if (books === null || pairs === null) return;
    if (recipe.database?.isEmbedded) {
      const note =
        'updates that two processes lose to each other were not looked for: the embedded database takes one transaction at a time';
      this.#notes = [...this.#notes, note];
      return;
    }
    const result = await this.#trial((trial) => trial.runAcross(pairs));
    const when = 'two processes handle events of different keys at the same time';
    this.#compare('lost-update', clean, result, { varying, when });
  }

  #compare(
    kind: FindingKind,
    clean: TrialResult,
    result: TrialResult,
    { varying, when }: { varying: Varying; when: string },
  ): void {
    if (result.failure !== null) {
      this.#findings.push(finding(kind, `an event is not handled any more: ${result.failure.message}`, when));
      return;
    }
    const isElsewhere = (label: string) => isNamed(result.fault.elsewhereTables, label);
    const within = (rows: Rows) => new Map([...rows].filter(([label]) => !isElsewhere(label)));
    const elsewhere = (rows: Rows) => new Map([...rows].filter(([label]) => isElsewhere(label)));
    for (const line of describeDifferences(
      elsewhere(clean.rows),
      elsewhere(result.rows),
      varying.rows,
      'row',
    )) {
      const what = `a row was written outside of the event's transaction, and stays where that is not committed: ${line}`;
      this.#findings.push(finding('written-outside', what, when));
    }
    const lines = [
      ...describeDifferences(within(clean.rows), within(result.rows), varying.rows, 'row'),
      ...describeDifferences(clean.published, result.published, varying.published, 'event'),
    ];
    const why =
      kind === 'memory'
        ? 'the handler remembers its first call, so the second one does something else: '
        : '';
    for (const line of lines) this.#findings.push(finding(kind, `${why}${line}`, when));
  }

  #statements(clean: TrialResult): number[] {
    return clean.fault.statements.slice(0, mostStatements).map((_, index) => index + 1);
  }

  async #trial(run: (trial: Trial) => Promise<TrialResult>): Promise<TrialResult> {
    this.#ground.signal.throwIfAborted();
    this.#runs++;
    const result = await run(new Trial(this.#ground));
    this.#outside = new Set([...this.#outside, ...result.fault.outsideTables]);
    for (const error of result.late) this.#findings.push(escaped(error, 'its event had ended'));
    const { rows, leftBehind } = result;
    return { ...result, rows: this.#compared(rows), leftBehind: leftBehind && this.#compared(leftBehind) };
  }

  #compared(rows: Rows): Rows {
    return new Map([...rows].filter(([label]) => !isNamed(this.#outside, label)));
  }

  #report(): CheckReport {
    const report = { runs: this.#runs, notes: this.#notes };
    const findings = distinct(this.#findings);
    if (findings.length > 0) throw new NotExactlyOnce(findings, report);
    return report;
  }
}

/** `tables` have no schema, the label of a table may. */
function isNamed(tables: ReadonlySet<string>, label: string): boolean {
  return tables.has(label) || tables.has(label.split('.').at(-1)!);
}

function cleanFailure({ failure }: TrialResult): Finding {
  const when = 'a run without any fault';
  const { cause } = failure!;
  const isEscape = hasCode(cause, 'EO_WRITE_ESCAPED') || hasCode(cause, 'EO_TRANSACTION_ENDED');
  if (!isEscape) return finding('failed', `the handler fails: ${failure!.message}`, when);
  return escaped(cause as Error, when);
}

function escaped({ message }: Error, when: string): Finding {
  return finding('escaped', message.replace(/^EO_\w+: /, '').replace(/\. Meaning: .*$/s, ''), when);
}
