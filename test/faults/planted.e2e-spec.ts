import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { BrokerName } from './broker/broker-ground.js';
import type { RunReport } from './harness/run-case.js';
import type { PlantedBug } from './worker/worker-plan.js';

const program = 'dist-test/test/faults/main.js';

/** Runs one case with one remedy taken out from outside, or with all of them in place. */
async function run(
  folder: string,
  number: number,
  seed: number,
  bug: PlantedBug | null,
  broker: BrokerName = 'kafka',
): Promise<RunReport> {
  const json = join(folder, `${number}-${broker}-${bug}.json`);
  const plant = bug === null ? [] : ['--plant', bug];
  const options = [
    '--case',
    String(number),
    '--seed',
    String(seed),
    '--patience',
    '8',
    '--json',
    json,
    '--broker',
    broker,
  ];
  const code = await new Promise<number>((resolve) => {
    execFile(process.execPath, [program, ...options, ...plant], (error) => resolve(Number(error?.code ?? 0)));
  });
  const [report] = JSON.parse(await readFile(json, 'utf8')) as RunReport[];
  if (report?.evidence != null) await rm(report.evidence, { recursive: true });
  expect(code).toBe(report!.findings.length === 0 ? 0 : 1);
  return report!;
}

describe('the cases notice when a remedy is missing', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'eo-planted-'));
  });

  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  it('no inbox insert: a copy at another offset is handled again (case 20)', async () => {
    const report = await run(folder, 20, 1, 'no-inbox-insert');

    expect(report.counts.D).toBeGreaterThan(0);
  });

  it('tag unchecked: an event whose handler swallowed an SQL error is lost (case 12)', async () => {
    const report = await run(folder, 12, 1, 'tag-unchecked');

    expect(report.counts.L).toBeGreaterThan(0);
  });

  it('ids locked in the order of delivery: copies deadlock (case 14)', async () => {
    const report = await run(folder, 14, 1, 'delivery-order');

    expect(report.findings.join('\n')).toContain('no deadlock');
  });

  it('fence dropped: the zombie is not refused (case 17)', async () => {
    const report = await run(folder, 17, 4, 'no-fence');

    expect(report.findings.join('\n')).toContain('the zombie is refused by the fence');
  });

  it('fence dropped, the database as broker: the zombie is not refused (case 17)', async () => {
    const report = await run(folder, 17, 4, 'no-fence', 'database');

    expect(report.findings.join('\n')).toContain('the zombie is refused by the fence');
  });

  it('acknowledged before commit: what was in flight at the crash is lost (case 4)', async () => {
    const report = await run(folder, 4, 3, 'early-acknowledge');

    expect(report.counts.L).toBeGreaterThan(0);
  });

  it('outbox apart from its transaction: an event is published that was rolled back (case 12)', async () => {
    const report = await run(folder, 12, 1, 'outbox-apart');

    expect(report.counts.T).toBeGreaterThan(0);
    expect(report.counts.X).toBeGreaterThan(0);
  });

  it('with every remedy in place the same runs are green', async () => {
    const reports = [];
    for (const [number, seed] of [
      [4, 3],
      [12, 1],
      [14, 1],
      [17, 4],
      [20, 1],
    ] as const) {
      reports.push(await run(folder, number, seed, null));
    }
    reports.push(await run(folder, 17, 4, null, 'database'));

    expect(reports.flatMap(({ findings }) => findings)).toEqual([]);
    expect(reports.every(({ fired, expected }) => fired === expected && fired > 0)).toBe(true);
  }, 240_000);
});
