#!/usr/bin/env node
/**
 * The `exactly-once` command: what operators run. See the files `*-command.ts` beside it for what it
 * does.
 *
 * Exit codes: 0 done · 1 it failed, and the message says why · 2 the command line is wrong, nothing was begun.
 */
import { readFileSync } from 'node:fs';
import { errorChain, isExactlyOnceError } from '@exactly-once/core';
import { Command, CommanderError } from 'commander';
import { deadLettersCommand } from './dead-letters-command.js';
import { migrateCommand } from './migrate-command.js';
import { outboxCommand } from './outbox-command.js';
import { parkedCommand } from './parked-command.js';
import { relayCommand } from './relay-command.js';
import { rewindCommand } from './rewind-command.js';
import { shardsCommand } from './shards-command.js';
import { statusCommand } from './status-command.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const exits = `
Exit codes:
  0  done
  1  it failed; the message says why
  2  the command line is wrong; nothing was begun`;

/** 2 where the words are wrong, be it commander or the library that says so; else 1. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  return isExactlyOnceError(error) && error.code.startsWith('EO_OPTION_') ? 2 : 1;
}

/** With its causes, as far as it does not tell them itself. */
function inWords(error: unknown): string {
  const told = error instanceof Error ? error.message : String(error);
  return errorChain(error)
    .slice(1)
    .reduce((text, cause) => {
      const [, message = cause] = /^\w+: (.*)$/s.exec(cause) ?? [];
      return text.includes(message) ? text : `${text}\ncaused by: ${cause}`;
    }, told);
}

try {
  await new Command('exactly-once')
    .description(
      'Operates the tables, the outbox and the dead letters of Exactly Once, the NestJS framework for exactly-once effects.',
    )
    .version(version, '-v, --version')
    .addCommand(migrateCommand())
    .addCommand(relayCommand())
    .addCommand(shardsCommand())
    .addCommand(outboxCommand())
    .addCommand(deadLettersCommand())
    .addCommand(parkedCommand())
    .addCommand(statusCommand())
    .addCommand(rewindCommand())
    .addHelpText('after', `${exits}\n\n"exactly-once help <command>" says more, with examples.`)
    .showHelpAfterError('Run "exactly-once --help" for help.')
    .exitOverride()
    .parseAsync();
} catch (error) {
  const isTold = error instanceof CommanderError; // by commander itself
  if (!isTold) process.stderr.write(`${inWords(error)}\n`);
  process.exitCode = exitCodeOf(error);
}
