/**
 * `exactly-once dead-letters replay | edit | discard`: what an operator decides about dead letters. Step 8 of an event's
 * life.
 *
 * Many are decided about in bounded steps, once a person has said yes; what was done stays done where a step fails.
 */
import { readFileSync } from 'node:fs';
import {
  type DeadLetterFilter,
  type DeadLetterStore,
  discardLetters,
  ExactlyOnceError,
  type ReplayAnswer,
  replayLetters,
} from '@exactly-once/core';
import { type Command, Option } from 'commander';
import { agreed, withProgress } from './confirmation.js';
import { chosen, type FilterOptions, filtered } from './dead-letter-filter.js';
import { dryRunText, refusals } from './dead-letter-view.js';
import { withModule } from './dry-run-module.js';
import { databaseCommand, onStorage, type PlaceOptions } from './on-storage.js';
import { counted, jsonText, print } from './output.js';
import { position, positions, userName } from './words.js';

interface DecisionOptions extends PlaceOptions, FilterOptions {
  readonly all?: boolean;
  readonly yes?: boolean;
  readonly by?: string;
}

interface ReplayOptions extends DecisionOptions {
  readonly dryRun?: boolean;
  readonly module?: string;
  readonly instance?: string;
}

/** Who decides is known before anything is connected. */
type Signed<T> = T & { readonly by: string };

interface DiscardOptions extends DecisionOptions {
  readonly reason: string;
}

interface EditOptions extends PlaceOptions {
  readonly body?: string;
  readonly bodyFile?: string;
  readonly by?: string;
}

const exitNotAll = 3;
const exitHandlerFailed = 5;

/** Letters of one dry run: each is handled, and rolled back, after the other. */
const mostDryRuns = 100;

export function replayCommand(): Command {
  return decision('replay', 'Hands dead events to their handlers again, once, in the order of each key.')
    .option('--dry-run', 'handle them here, roll back, and show what they would write and publish')
    .option('--module <file>', 'for a dry run: the built file of your module, #Name where it exports several')
    .option(
      '--instance <name>',
      'for a dry run: of several ExactlyOnceModule.forRoot() the one with this name',
    )
    .action((ids: readonly bigint[], options: ReplayOptions) => {
      const filter = chosen('replay', ids, options);
      if (options.dryRun) return dryRun(filter, options);
      const said = { ...options, by: author(options) };
      return onStorage('dead-letters', options, ({ deadLetters }) => replay(deadLetters, filter, said));
    });
}

export function discardCommand(): Command {
  return decision('discard', 'Gives dead events up: they are never handled, and stay readable.')
    .addOption(new Option('--reason <text>', 'why, for those who ask later').makeOptionMandatory())
    .action((ids: readonly bigint[], options: DiscardOptions) => {
      const filter = chosen('discard', ids, options);
      checkSaid(options.reason, '--reason');
      const said = { ...options, by: author(options) };
      return onStorage('dead-letters', options, ({ deadLetters }) => discard(deadLetters, filter, said));
    });
}

export function editCommand(): Command {
  return databaseCommand('dead-letters edit')
    .description('Gives a dead event another body; what came, and each edit, stays readable.')
    .argument('<id>', 'of a dead letter', position)
    .option('--body <text>', 'the body that is handled instead')
    .option('--body-file <file>', 'the same from a file, - for standard input')
    .option('--by <name>', 'who edits (default: the user of this process)')
    .action(async (id: bigint, options: EditOptions) => {
      const by = author(options);
      const body = bodyOf(options);
      await onStorage('dead-letters', options, async ({ deadLetters }) => {
        const done = await deadLetters.edit(id, body, by);
        if (options.json) print(jsonText({ edited: done }));
        else print(done ? `Letter ${id} was edited. Now replay it.` : `${id}: ${refusals['not-dead']}`);
        if (!done) process.exitCode = exitNotAll;
      });
    });
}

function decision(name: string, description: string): Command {
  return filtered(databaseCommand(`dead-letters ${name}`))
    .description(description)
    .argument('[id...]', 'of dead letters', positions, [])
    .option('--all', 'all dead letters')
    .option('--by <name>', 'who decides (default: the user of this process)')
    .option('--yes', 'do not ask before many are decided about');
}

async function replay(
  store: DeadLetterStore,
  filter: DeadLetterFilter,
  options: Signed<DecisionOptions>,
): Promise<void> {
  const total = await agreedOn(store, filter, 'Replay', options);
  if (total === null) return;
  const { replayed, refused } = await withBar(total, options, (progress) =>
    replayLetters(store, filter, options.by, progress),
  );
  if (options.json) print(jsonText({ replayed, refused }));
  else {
    print(`${counted(replayed, 'letter')} replayed.`);
    for (const one of refused) print(`${one.id}: ${reason(one)}`);
  }
  if (refused.length > 0) process.exitCode = exitNotAll;
}

async function discard(
  store: DeadLetterStore,
  filter: DeadLetterFilter,
  options: Signed<DiscardOptions>,
): Promise<void> {
  const total = await agreedOn(store, filter, 'Discard', options);
  if (total === null) return;
  const { discarded, notDead } = await withBar(total, options, (progress) =>
    discardLetters(store, filter, { by: options.by, why: options.reason }, progress),
  );
  if (options.json) print(jsonText({ discarded, notDead }));
  else {
    print(`${counted(discarded, 'letter')} discarded.`);
    for (const id of notDead) print(`${id}: ${refusals['not-dead']}`);
  }
  if (notDead.length > 0) process.exitCode = exitNotAll;
}

/** How many it is about; `null` where nobody agreed, and that was said. What was named by ids was meant. */
async function agreedOn(
  store: DeadLetterStore,
  filter: DeadLetterFilter,
  verb: string,
  { yes, json }: DecisionOptions,
): Promise<number | null> {
  const total = filter.ids?.length ?? (await store.count({ ...filter, state: 'dead' }));
  if (yes || filter.ids !== undefined || total < 2) return total;
  const what = counted(total, 'dead letter');
  return (await agreed(`${verb} ${what}?`, what, json)) ? total : null;
}

function withBar<T>(
  total: number,
  { json }: PlaceOptions,
  work: (progress: (done: number) => void) => Promise<T>,
): Promise<T> {
  return json ? work(() => {}) : withProgress(total, work);
}

async function dryRun(filter: DeadLetterFilter, options: ReplayOptions): Promise<void> {
  const { module, instance, json } = options;
  if (module === undefined) {
    throw new ExactlyOnceError('EO_OPTION_MISSING', 'dead-letters replay --dry-run needs --module');
  }
  const heads = await onStorage('dead-letters', options, ({ deadLetters }) =>
    deadLetters.list({ ...filter, state: 'dead' }, mostDryRuns),
  );
  const results: object[] = [];
  await withModule(module, instance, async (deadLetters) => {
    for (const { id } of heads) {
      const result = await deadLetters.dryRun(id);
      if (result.failure !== null) process.exitCode = exitHandlerFailed;
      if (json) results.push({ id, ...result });
      else print(dryRunText(id, result));
    }
  });
  if (json) print(jsonText(results));
  else if (heads.length === 0) print('There is no such dead letter.');
  else if (heads.length === mostDryRuns) print(`These were the first ${mostDryRuns}.`);
  const missing = filter.ids?.filter((id) => !heads.some((head) => head.id === id)) ?? [];
  if (missing.length > 0) process.exitCode ??= exitNotAll;
}

function reason({ outcome }: ReplayAnswer): string {
  return outcome === 'replayed' ? outcome : refusals[outcome];
}

function author({ by }: { readonly by?: string }): string {
  const name = by ?? userName();
  checkSaid(name, '--by');
  return name;
}

function checkSaid(word: string, option: string): void {
  if (word.trim() !== '') return;
  throw new ExactlyOnceError('EO_OPTION_INVALID', `dead-letters: ${option} may not be blank`);
}

function bodyOf({ body, bodyFile }: EditOptions): Uint8Array {
  if ((body === undefined) === (bodyFile === undefined)) {
    throw new ExactlyOnceError('EO_OPTION_MISSING', 'dead-letters edit needs either --body or --body-file');
  }
  if (body !== undefined) return Buffer.from(body);
  try {
    return readFileSync(bodyFile === '-' ? process.stdin.fd : bodyFile!);
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new ExactlyOnceError('EO_OPTION_INVALID', `--body-file ${bodyFile} cannot be read: ${said}`, {
      cause,
    });
  }
}
