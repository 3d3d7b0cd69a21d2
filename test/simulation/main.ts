/**
 * `npm run simulate`: as many schedules as fit into the time, and a short one where there is a fault.
 *
 * Exits with 1 where there is, or where they were fewer than asked for. The same seed gives the same schedules.
 */
import { Command, Option } from 'commander';
import { type SimulatedBug, simulatedBugs } from './planted.js';
import { inWords } from './schedule.js';
import { simulate } from './simulate.js';

const whole = (text: string) => Math.max(0, Math.trunc(Number(text)));

const { minutes, seed, plant, least } = new Command('simulate')
  .description('Runs the core over in-memory ports by random schedules, and judges what is left.')
  .option('--minutes <number>', 'for how long', Number, 1)
  .option('--seed <number>', 'of the schedules; default: by the clock', whole, Date.now() % 1_000_000)
  .option('--least <number>', 'schedules a minute: exits with 1 where there are fewer', whole, 0)
  .addOption(new Option('--plant <bug>', 'takes a remedy out').choices(simulatedBugs))
  .parse()
  .opts<{ minutes: number; seed: number; least: number; plant?: SimulatedBug }>();

console.log(`seed ${seed}`); // first of all: a run that is broken off can be repeated
const startedAtMs = Date.now();
const { runs, fired, failure } = await simulate({
  ...{ seed, runs: 10_000_000, limitMs: minutes * 60_000 },
  ...(plant === undefined ? {} : { bug: plant }),
});
const seconds = (Date.now() - startedAtMs) / 1_000;
const perMinute = Math.round((runs / seconds) * 60);
console.log(`${runs} schedules in ${seconds.toFixed(1)} s, ${perMinute} a minute`);
console.log(
  `${fired.size} kinds of mishap, among them deaths and stops at ${[...fired].filter((one) => / (before|after|in) /.test(one)).length} points`,
);
for (const line of failure === null ? [] : inWords(failure.schedule)) console.log(`  ${line}`);
for (const fault of failure?.faults ?? []) console.log(`! ${fault}`);
if (perMinute < least) console.log(`! fewer than ${least} schedules a minute`);
process.exit(failure === null && perMinute >= least ? 0 : 1);
