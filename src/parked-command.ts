/**
 * `exactly-once parked`: keys whose events wait in the database, for an operator to look at, and to have tried now. Step 8
 * of an event's life.
 *
 * Handles nothing itself: the service that has the handler does, in its order. Safe to run twice.
 */
import { checkWords, type DiscardDecision, type ParkedScope, type ParkStore } from '@exactly-once/core';
import { Command, Option } from 'commander';
import { agreed } from './confirmation.js';
import { databaseCommand, onStorage, type PlaceOptions } from './on-storage.js';
import { counted, jsonText, print, textOf } from './output.js';
import { table } from './plain-table.js';
import { userName } from './words.js';

interface ParkedOptions extends PlaceOptions {
  readonly handler?: string;
  readonly topic?: string;
  readonly key?: string;
}

interface GiveUpOptions extends ParkedOptions {
  readonly reason: string;
  readonly by?: string;
  readonly yes?: boolean;
}

const examples = `
Examples:
  exactly-once parked list --handler payments/Payments.capture
  exactly-once parked retry --handler payments/Payments.capture --key o-1
  exactly-once parked dead-letter --handler payments/Payments.capture --key o-1 --reason "paid by hand"

A key is tried again by itself when its time has come; one whose first event has killed its process waits for you. What is
given up becomes a dead letter as soon as its service looks at it, and the next of its key goes on; an attempt that is under
way, and succeeds, was the last.

Exit codes:
  0  done
  1  it failed; the message says why
  2  the command line is wrong; nothing was begun
  3  nothing is parked that fits
  4  nobody confirmed it: nothing was done; say --yes`;

const exitNothing = 3;
/** Keys that are looked at. */
const most = 10_000;

export function parkedCommand(): Command {
  return new Command('parked')
    .summary('look at keys that wait, and have them tried now')
    .description(
      'Lists the keys whose events wait in the database, makes their first events due, or gives them up.',
    )
    .addCommand(listCommand())
    .addCommand(retryCommand())
    .addCommand(deadLetterCommand())
    .addHelpText('after', examples)
    .showHelpAfterError('Run "exactly-once help parked" for help.')
    .exitOverride();
}

function listCommand(): Command {
  return chosen('list')
    .description('Lists parked keys, those that wait longest first.')
    .action((options: ParkedOptions) =>
      onStorage('parked', options, async ({ parked }) => {
        const scopes = await fitting(parked, options);
        if (options.json) print(jsonText(scopes.map(rowOf)));
        else print(scopes.length === 0 ? 'Nothing is parked.' : tableOf(scopes));
      }),
    );
}

function retryCommand(): Command {
  return chosen('retry')
    .description('Makes the first event of each key that fits due now, also one that waits for a person.')
    .action((options: ParkedOptions) =>
      onStorage('parked', options, async ({ parked }) => {
        let retried = 0;
        for (const scope of await fitting(parked, options)) if (await parked.hasten(scope)) retried++;
        print(options.json ? jsonText({ retried }) : `${counted(retried, 'key')} due now.`);
        if (retried === 0) process.exitCode = exitNothing;
      }),
    );
}

function deadLetterCommand(): Command {
  return chosen('dead-letter')
    .description('Gives the first event of each key that fits up: it becomes a dead letter.')
    .addOption(new Option('--reason <text>', 'why, for those who ask later').makeOptionMandatory())
    .option('--by <name>', 'who decides (default: the user of this process)')
    .option('--yes', 'do not ask before many are given up')
    .action((options: GiveUpOptions) => {
      const decision = { by: options.by ?? userName(), why: options.reason };
      checkWords(decision);
      return onStorage('parked', options, async ({ parked }) => giveUp(parked, options, decision));
    });
}

async function giveUp(store: ParkStore, options: GiveUpOptions, decision: DiscardDecision): Promise<void> {
  const scopes = await fitting(store, options);
  const what = counted(scopes.length, 'key');
  const asks = scopes.length > 1 && !options.yes;
  if (asks && !(await agreed(`Give the first event of ${what} up?`, what, options.json))) return;
  let givenUp = 0;
  for (const scope of scopes) if (await store.giveUp(scope, decision)) givenUp++;
  print(options.json ? jsonText({ givenUp }) : `${counted(givenUp, 'event')} given up.`);
  if (givenUp === 0) process.exitCode = exitNothing;
}

function chosen(name: string): Command {
  return databaseCommand(`parked ${name}`)
    .option('--handler <name>', 'only those of this handler')
    .option('--topic <name>', 'only those of this topic')
    .option('--key <key>', 'only those of this key');
}

async function fitting(store: ParkStore, { handler, topic, key }: ParkedOptions): Promise<ParkedScope[]> {
  return (await store.scopes(most)).filter(
    (scope) =>
      (handler === undefined || scope.handler === handler) &&
      (topic === undefined || scope.topic === topic) &&
      (key === undefined || (scope.key !== null && Buffer.from(key).equals(scope.key))),
  );
}

function rowOf({ handler, topic, key, events, code }: ParkedScope) {
  return { handler, topic, key: textOf(key), events, code };
}

function tableOf(scopes: readonly ParkedScope[]): string {
  const rows = scopes
    .map(rowOf)
    .map((row) => [row.handler, row.topic, row.key ?? '-', `${row.events}`, row.code]);
  return table(['HANDLER', 'TOPIC', 'KEY', 'EVENTS', 'CODE'], rows);
}
