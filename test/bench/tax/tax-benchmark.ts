/**
 * The framework's tax: a handler that does nothing, beside a bare kafkajs consumer that runs the inbox's statement alone.
 * Neither validates; both parse. What is left is keys and fingerprints, the fence, Nest's call and the bookkeeping.
 */
import type { Benchmark } from '../harness/benchmark.js';
import { taxRun } from './tax-run.js';

const program = 'tax/ours.entry.js';

export const taxBenchmark: Benchmark = {
  name: 'tax',
  about: 'a handler that does nothing, beside a bare consumer with the statement of the inbox alone',
  unit: 'events/s',
  events: 100_000,
  contestants: [
    {
      name: 'bare',
      program: 'tax/bare.entry.js',
      note: "kafkajs; for each fetched batch a transaction with the framework's own statement on its own inbox, keys unhashed",
    },
    { name: 'tax', program, setting: 'single', note: 'an empty handler that is called for each event' },
    { name: 'tax-batch', program, setting: 'batch', note: 'an empty handler that is called for 2,000' },
  ],
  ratios: { 'tax/bare': ['tax', 'bare'], 'tax-batch/bare': ['tax-batch', 'bare'] },
  run: taxRun,
  smoke: { events: 200, only: ['bare', 'tax'] },
};
