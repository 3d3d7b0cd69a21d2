/**
 * What `npm start` can be told. A word that it does not know, or a number out of bounds, ends it before anything is
 * begun.
 */
import { randomInt } from 'node:crypto';
import { Command, CommanderError, InvalidArgumentError } from 'commander';

export interface ShowOptions {
  readonly orders: number;
  readonly copies: number;
  readonly kills: number;
  readonly seed: number;
  readonly unsafe: boolean;
  /** End when the run is over, with the audit's verdict as exit code. */
  readonly once: boolean;
}

const usual = { orders: 1_000, copies: 2, kills: 3 };

const help = `
Exit codes, with --once:
  0  the audit is clean and every kill landed in an open transaction
  1  it is not, or the run broke off; the message says why
  2  the command line is wrong; nothing was begun
  130, 143  it was interrupted before it was over

PORT says where the page is served; 3000 by default, with --once any free port.`;

/** Throws CommanderError; `exitCodeOf` says what it means. */
export function parseShowOptions(words: readonly string[]): ShowOptions {
  const command = new Command('npm start --')
    .description('A shop that takes orders while its messages come in copies and its process is killed.')
    .option('--orders <n>', 'orders to place, 1 to 100,000', whole(1, 100_000), usual.orders)
    .option('--duplicates <r>', 'copies of each event on average, 0 to 20', decimal(0, 20), usual.copies)
    .option('--kills <k>', 'SIGKILLs within an open transaction, 0 to 50', whole(0, 50), usual.kills)
    .option('--seed <s>', 'repeats the choices of a run; random by default', whole(0, 0x7fffffff))
    .option('--unsafe', 'switch the protection off, to see what would have happened', false)
    .option('--once', 'end when all orders are through', false)
    .addHelpText('after', help)
    .showHelpAfterError('"npm start -- --help" lists the options.')
    .allowExcessArguments(false)
    .exitOverride()
    .parse([...words], { from: 'user' });
  const { orders, duplicates, kills, seed, unsafe, once } = command.opts();
  if (kills > orders) command.error(`error: ${kills} kills need as many orders, not ${orders}`);
  return { orders, copies: duplicates, kills, seed: seed ?? randomInt(1, 1_000_000), unsafe, once };
}

/** The words that make the choices of a run again: what is not the default, and the seed. */
export function commandAgain({ orders, copies, kills, seed, unsafe }: ShowOptions): string {
  const words = [`--seed ${seed}`];
  if (orders !== usual.orders) words.push(`--orders ${orders}`);
  if (copies !== usual.copies) words.push(`--duplicates ${copies}`);
  if (kills !== usual.kills) words.push(`--kills ${kills}`);
  if (unsafe) words.push('--unsafe');
  return `npm start -- ${words.join(' ')}`;
}

/** Of an error that `parseShowOptions` threw; `null` for any other. */
export function exitCodeOf(error: unknown): number | null {
  if (!(error instanceof CommanderError)) return null;
  return error.exitCode === 0 ? 0 : 2;
}

function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`A whole number from ${least} to ${most} is due.`);
  };
}

function decimal(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+(\.\d+)?$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`A number from ${least} to ${most} is due.`);
  };
}
