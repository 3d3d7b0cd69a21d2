#!/usr/bin/env node
/**
 * The `exactly-once` command: what operators run.
 *
 * Exit codes: 0 done · 1 it failed, and the message says why · 2 the words of the command are wrong.
 */
import { readFileSync } from 'node:fs';
import { isExactlyOnceError } from '@exactly-once/core';
import { Command, CommanderError } from 'commander';
import { migrateCommand } from './migrate-command.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const program = new Command('exactly-once')
  .description('Operates the tables of Exactly Once.')
  .version(version)
  .addCommand(migrateCommand())
  .exitOverride();

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    const told = isExactlyOnceError(error) || error instanceof Error ? error.message : String(error);
    process.stderr.write(`${told}\n`);
    process.exitCode = 1;
  }
}
