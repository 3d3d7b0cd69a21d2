/**
 * Adds up what the steps of `.ci/run` left in a folder: `<step>.exit`, the exit code, and for some `<step>.json`,
 * the program's own report. Last line: "N passed, N failed". Exits with 1 where anything failed or nothing ran.
 * A step that fails without saying so in its report counts as one failure, and so does one that did not run.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** For each step how its report is counted, or null where it has none. */
const steps = {
  install: null,
  check: null,
  test: countJest,
  faults: countFaults,
  bench: countBench,
  peers: null,
  processes: null,
};

const folder = process.argv[2];
const total = { passed: 0, failed: 0 };

for (const [step, count] of Object.entries(steps)) {
  const { passed, failed, notes } = tally(step, count);
  total.passed += passed;
  total.failed += failed;
  console.log(`${step}: ${passed} passed, ${failed} failed${notes.map((note) => `; ${note}`).join('')}`);
}
if (total.passed === 0 && total.failed === 0) total.failed = 1;
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;

function tally(step, count) {
  const exit = read(`${step}.exit`);
  if (exit === null) return { passed: 0, failed: 1, notes: ['did not run'] };
  const code = Number(exit);
  const result = count === null ? { passed: 0, failed: 0, notes: [] } : report(step, count);
  if (code !== 0) result.notes.push(`exit code ${code}`);
  if (code !== 0 && result.failed === 0) result.failed = 1;
  return result;
}

function report(step, count) {
  const text = read(`${step}.json`);
  if (text === null) return { passed: 0, failed: 1, notes: ['no report'] };
  const { passed, failed, notes = [] } = count(JSON.parse(text));
  if (passed + failed > 0) return { passed, failed, notes };
  return { passed: 0, failed: 1, notes: [...notes, 'nothing ran'] };
}

/** A file that could not be run is a failure, and so is a test that was skipped. */
function countJest({ numPassedTests, numFailedTests, numPendingTests, numRuntimeErrorTestSuites }) {
  const notes = [];
  if (numRuntimeErrorTestSuites > 0) notes.push(`${numRuntimeErrorTestSuites} files could not be run`);
  if (numPendingTests > 0) notes.push(`${numPendingTests} skipped`);
  const failed = numFailedTests + numRuntimeErrorTestSuites + numPendingTests;
  return { passed: numPassedTests, failed, notes };
}

/** One for each case and seed. */
function countFaults(runs) {
  const red = runs.filter(({ findings }) => findings.length > 0).length;
  return { passed: runs.length - red, failed: red };
}

/** One for each contestant: void where it lost, doubled or tore an event. */
function countBench({ contestants }) {
  const red = contestants.filter((one) => one.void !== false).length;
  return { passed: contestants.length - red, failed: red };
}

function read(name) {
  const path = join(folder, name);
  return existsSync(path) ? readFileSync(path, 'utf8') : null;
}
