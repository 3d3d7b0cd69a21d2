/**
 * `npm run simulate`: as many schedules as fit into the time, and a short one where there is a fault.
 *
 * Exits with 1 where there is. The same seed gives the same schedules.
 */
import { Command, Option } from 'commander';
import { type SimulatedBug, simulatedBugs } from './planted.js';
import { inWords } from './schedule.js';
import { simulate } from './simulate.js';

const whole = (text: string) => Math.max(0, Math.trunc(Number(text)));

const { minutes, seed, plant } = new Command('simulate')
  .description('Runs the core over in-memory ports by random schedules, and judges what is left.')
  .option('--minutes <number>', 'for how long', Number, 1)
  .option('--seed <number>', 'of the schedules; default: by the clock', whole, Date.now() % 1_000_000)
  .addOption(new Option('--plant <bug>', 'takes a remedy out').choices(simulatedBugs))
  .parse()
  .opts<{ minutes: number; seed: number; plant?: SimulatedBug }>();

const startedAtMs = Date.now();
const { runs, fired, failure } = await simulate({
  ...{ seed, runs: 10_000_000, limitMs: minutes * 60_000 },
  ...(plant === undefined ? {} : { bug: plant }),
});
const seconds = (Date.now() - startedAtMs) / 1_000;
const perMinute = Math.round((runs / seconds) * 60);
console.log(`seed ${seed}: ${runs} schedules in ${seconds.toFixed(1)} s, ${perMinute} a minute`);
console.log(
  `${fired.size} kinds of mishap, among them deaths and stops at ${[...fired].filter((one) => / (before|after|in) /.test(one)).length} points`,
);
for (const line of failure === null ? [] : inWords(failure.schedule)) console.log(`  ${line}`);
for (const fault of failure?.faults ?? []) console.log(`! ${fault}`);
process.exit(failure === null ? 0 : 1);
