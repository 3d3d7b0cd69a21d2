import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { ShowState } from '../../apps/shop/src/page/show-state.js';
import { until } from '../services/ports.js';

const program = 'apps/shop/dist/show/main.js';
/** A first start of the database, and what each take-over waits for. */
const patienceMs = 180_000;

/** Where the runs keep their data; what they leave there is seen. */
let temporary: string;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'eo-show-'));
});
afterEach(async () => {
  for (const child of running) {
    child.kill('SIGTERM');
    await once(child, 'close');
  }
  expect(await readdir(temporary)).toEqual([]);
}, 30_000);
afterAll(() => rm(temporary, { recursive: true, force: true }));

interface Started {
  readonly child: ChildProcess;
  readonly said: () => string;
  /** Exit code and signal. */
  readonly ended: Promise<unknown[]>;
}

/** As `npm start -- …` runs it. */
function start(words: string, more: Record<string, string> = {}): Started {
  const { PORT: _, ...others } = process.env;
  const env = { ...others, TMPDIR: temporary, ...more };
  const child = spawn(process.execPath, [program, ...words.split(' ')], { env });
  running.add(child);
  child.once('close', () => running.delete(child));
  let said = '';
  for (const output of [child.stdout, child.stderr]) {
    output.on('data', (text) => {
      said += text;
    });
  }
  return { child, said: () => said, ended: once(child, 'close') };
}

async function run(words: string, more?: Record<string, string>): Promise<{ code: unknown; said: string }> {
  const { said, ended } = start(words, more);
  const [code] = await ended;
  return { code, said: said() };
}

describe('npm start', () => {
  it(
    'ends well through copies and kills within open transactions',
    async () => {
      const { code, said } = await run('--once --orders 60 --kills 3 --duplicates 2 --seed 11');

      expect(said).toMatch(/60 orders: \d+ payments, \d+ refused/);
      expect(said).toMatch(/3 crashes \(3 within an open transaction\)/);
      expect(Number(/(\d+) duplicates absorbed/.exec(said)?.[1])).toBeGreaterThan(60);
      expect(said).toMatch(/Audit of 60 orders: clean/);
      expect(code).toBe(0);
    },
    patienceMs,
  );

  it(
    'shows what is lost and doubled where the protection is off',
    async () => {
      const { code, said } = await run('--once --orders 30 --kills 1 --duplicates 1 --seed 11 --unsafe');

      expect(said).toMatch(/NOT CLEAN\. \d+ lost, [1-9]\d* doubled/);
      expect(code).toBe(1);
    },
    patienceMs,
  );

  it(
    'loses orders without the protection even where nothing comes twice',
    async () => {
      const { code, said } = await run('--once --orders 30 --kills 1 --duplicates 0 --seed 11 --unsafe');

      expect(said).toMatch(/NOT CLEAN\. [1-9]\d* lost/);
      expect(code).toBe(1);
    },
    patienceMs,
  );

  it('refuses a wrong word before it begins anything', async () => {
    const { code, said } = await run('--orders many');

    expect(said).toMatch(/whole number/);
    expect(code).toBe(2);
  });

  it('says which port is taken, and how to choose another', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };

    const { code, said } = await run('--orders 5', { PORT: String(port) });
    taken.close();

    expect(said).toMatch(new RegExp(`port ${port} is in use.*PORT=3001 npm start`, 's'));
    expect(code).toBe(1);
  });

  it(
    'goes on serving its page when the run is over, until Ctrl-C',
    async () => {
      const show = start('--orders 15 --kills 1 --seed 3', { PORT: '0' });
      await until('the page is served', async () => /Watch it at/.test(show.said()));
      const url = /Watch it at (\S+)/.exec(show.said())![1];
      const ask = async (path: string) => (await fetch(`${url}${path}`)).json();
      const state = () => ask('/api/state') as Promise<ShowState>;
      await until('the run is over', async () => (await state()).phase === 'done', patienceMs);

      const last = await state();
      const journey = (await ask(`/api/orders/${last.recent[0]!.orderId}`)) as { step: string }[];
      show.child.kill('SIGINT');

      expect(await show.ended).toEqual([0, null]);
      expect(last).toMatchObject({
        orders: { wanted: 15, placed: 15 },
        audit: { clean: true, checked: 15 },
        crashes: [{ transactionOpen: true }],
      });
      expect(journey.map(({ step }) => step)).toEqual(
        expect.arrayContaining(['published', 'relayed', 'delivered', 'handled', 'duplicate']),
      );
    },
    patienceMs,
  );

  it(
    'ends its shop, and leaves nothing, when it is interrupted in the middle',
    async () => {
      const show = start('--orders 100000 --kills 0', { PORT: '0' });
      const url = async () => /Watch it at (\S+)/.exec(show.said())?.[1];
      await until('orders are placed', async () => {
        const at = await url();
        if (at === undefined) return false;
        return ((await (await fetch(`${at}/api/state`)).json()) as ShowState).orders.placed > 0;
      });

      show.child.kill('SIGINT');

      expect(await show.ended).toEqual([130, null]);
    },
    patienceMs,
  );

  it(
    'is not green, and leaves nothing, where it is ended before its audit',
    async () => {
      const show = start('--once --orders 100 --kills 3');
      await until('the page is served', async () => /Watch it at/.test(show.said()));

      show.child.kill('SIGTERM');

      expect(await show.ended).toEqual([143, null]);
      expect(show.said()).not.toMatch(/clean/);
    },
    patienceMs,
  );

  it(
    'never says that something is lost while it may still come',
    async () => {
      const show = start('--orders 4 --kills 4 --duplicates 0 --seed 1', { PORT: '0' });
      await until('the page is served', async () => /Watch it at/.test(show.said()));
      const url = /Watch it at (\S+)/.exec(show.said())![1];
      const verdicts = new Set<boolean | null>();
      await until(
        'the run is over',
        async () => {
          const { audit, phase } = (await (await fetch(`${url}/api/state`)).json()) as ShowState;
          verdicts.add(audit?.clean ?? null);
          return phase === 'done';
        },
        patienceMs,
      );

      expect([...verdicts].filter((verdict) => verdict === false)).toEqual([]);
      expect(verdicts).toContain(true);
      show.child.kill('SIGINT');
      expect(await show.ended).toEqual([0, null]);
    },
    patienceMs,
  );
});
