/**
 * `exactly-once dead-letters`: events that were given up, for an operator to look at, replay, edit or discard. Step 8 of
 * an event's life.
 *
 * A decision moves letters that are dead and no others; safe to run twice, and by several at once.
 */
import type { DeadLetterState, DeadLetterStore } from '@exactly-once/core';
import { Command, Option } from 'commander';
import { discardCommand, editCommand, replayCommand } from './dead-letter-decisions.js';
import { type FilterOptions, filtered, filterOf } from './dead-letter-filter.js';
import { letterTable, letterText } from './dead-letter-view.js';
import { databaseCommand, onStorage, type PlaceOptions } from './on-storage.js';
import { jsonText, print } from './output.js';
import { position, positive } from './words.js';

interface ListOptions extends PlaceOptions, FilterOptions {
  readonly state: DeadLetterState | 'any';
  readonly limit: number;
  readonly after: bigint;
}

const examples = `
Examples:
  exactly-once dead-letters list --handler payments/Payments.capture --from 24h
  exactly-once dead-letters show 4711
  exactly-once dead-letters replay 4711 --dry-run --module ./dist/app.module.js
  exactly-once dead-letters replay --code EO_HANDLER_FAILED --to 2026-01-31T12:00:00Z --yes
  exactly-once dead-letters edit 4711 --body '{"orderId":"o-1","cents":100}'
  exactly-once dead-letters discard 4711 --reason "ordered by mistake, told to the customer"

A replayed event goes to the front of what is parked of its key, several of one key in the order in which they died,
and is handled by the service that has its handler, once, however often it is replayed. One that fails again becomes a
new letter.

Exit codes:
  0  done
  1  it failed; the message says why, and what was done before stays done
  2  the command line is wrong; nothing was begun
  3  some of the letters are not there, not dead, or cannot be replayed; the others were done
  4  nobody confirmed it: nothing was done; say --yes
  5  in a dry run: the handler failed`;

/** The letter that was named is not there. */
const exitNotThere = 3;

export function deadLettersCommand(): Command {
  return new Command('dead-letters')
    .summary('decide about events that were given up')
    .description('Lists and shows events that were given up, replays, edits or discards them.')
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(replayCommand())
    .addCommand(editCommand())
    .addCommand(discardCommand())
    .addHelpText('after', examples)
    .showHelpAfterError('Run "exactly-once help dead-letters" for help.')
    .exitOverride();
}

function listCommand(): Command {
  return filtered(databaseCommand('dead-letters list'))
    .description('Prints dead letters, those that died first before others.')
    .addOption(
      new Option('--state <state>', 'of what was decided')
        .choices(['dead', 'replayed', 'discarded', 'any'])
        .default('dead'),
    )
    .option('--limit <letters>', 'how many', positive, 100)
    .option('--after <id>', 'only those with a higher id', position, 0n)
    .action((options: ListOptions) =>
      onStorage('dead-letters', options, ({ deadLetters }) => list(deadLetters, options)),
    );
}

function showCommand(): Command {
  return databaseCommand('dead-letters show')
    .description('Prints a whole letter: its event, headers, errors, body and edits.')
    .argument('<id>', 'of a letter', position)
    .action((id: bigint, options: PlaceOptions) =>
      onStorage('dead-letters', options, ({ deadLetters }) => show(deadLetters, id, options)),
    );
}

async function list(store: DeadLetterStore, options: ListOptions): Promise<void> {
  const { state, limit, after, json } = options;
  const filter = { ...filterOf(options), ...(state !== 'any' && { state }) };
  const heads = await store.list(filter, limit, after);
  if (json) return print(jsonText(heads));
  if (heads.length === 0) return print('There is no such dead letter.');
  print(letterTable(heads));
  if (heads.length === limit) print(`There may be more: --after ${heads.at(-1)!.id}`);
}

async function show(store: DeadLetterStore, id: bigint, { json }: PlaceOptions): Promise<void> {
  const letter = await store.find(id);
  if (letter === null) {
    print(json ? 'null' : `There is no dead letter ${id}.`);
    process.exitCode = exitNotThere;
    return;
  }
  print(json ? jsonText(letter) : letterText(letter));
}
