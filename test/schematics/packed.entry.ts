/**
 * From the packed files alone, in an empty folder: makes applications with the Nest CLI, adds the framework, generates, and
 * runs their build, their tests and the applications themselves. `npm run check:packed [-- 11 12]`; asks the registry, and
 * takes a minute or two for each Nest. Exits with 0 where all is as it should be.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { publishedLibs } from '../packages/outside.js';
import { freePort, until } from '../services/ports.js';

interface Said {
  readonly code: number;
  readonly text: string;
}

/** Without what this process was told: the applications run as their users run them. */
const environment = { ...process.env, NODE_OPTIONS: '', CI: 'true', NO_COLOR: '1' };

async function run(cwd: string, program: string, ...words: string[]): Promise<Said> {
  const started = Date.now();
  const child = spawn(program, words, { cwd, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => said.push(String(text)));
  const [code] = (await once(child, 'close')) as [number];
  const line = [program, ...words].join(' ').replaceAll(tmpdir(), '…').slice(0, 110);
  console.log(
    `${((Date.now() - started) / 1_000).toFixed(1).padStart(6)} s  ${code === 0 ? '' : `[exit ${code}] `}${line}`,
  );
  return { code, text: said.join('') };
}

/** Rejects with all that was said where it fails, or where it does not say what it should. */
async function must(cwd: string, words: string, expected: RegExp = /(?:)/): Promise<string> {
  const [program, ...rest] = words.split(' ');
  const { code, text } = await run(cwd, program!, ...rest);
  if (code === 0 && expected.test(text)) return text;
  throw new Error(`${words}\nexited with ${code}; expected to read ${expected}\n${text}`);
}

async function pack(folder: string): Promise<string[]> {
  mkdirSync(folder);
  for (const source of [...publishedLibs(), '.']) {
    await must(resolve(source), `npm pack --ignore-scripts --pack-destination ${folder}`);
  }
  return readdirSync(folder).map((name) => join(folder, name));
}

async function tryOut(nest: string, folder: string, tarballs: readonly string[]): Promise<void> {
  const place = join(folder, `nest-${nest}`);
  const shop = join(place, 'shop');
  mkdirSync(place);
  await must(place, `npx -y @nestjs/cli@${nest} new shop --package-manager npm --skip-git`);
  await must(shop, `npm install --no-audit --no-fund ${tarballs.join(' ')}`);

  const add = 'npx nest add exactly-once --skip-install --database embedded --broker database';
  await must(shop, add, /UPDATE.*src\/main\.ts/);
  await must(shop, 'npm install --no-audit --no-fund');
  await must(shop, add, /Nothing to be done/);
  await must(shop, 'npx nest g -c exactly-once handler payments/capture:OrderPlaced', /CREATE/);
  const more = '--event OrderPlaced --entity Shipment --publish OrderShipped --flat';
  await must(shop, `npx schematics exactly-once:handler shipping/ship ${more}`, /CREATE/);
  await must(shop, 'npx nest g -c exactly-once outbox-publisher orders/place:OrderPlaced --flat', /CREATE/);
  await must(shop, 'npx nest g -c exactly-once saga orders/checkout:reserve,charge,ship --flat', /CREATE/);
  await must(shop, 'npx prettier --check src/payments src/shipping src/orders src/app.module.ts');
  await must(shop, 'npm run build');

  const verbose = nest === '11' ? '--verbose' : '--reporter=verbose'; // jest, vitest
  const tests = await must(shop, `npm test -- ${verbose}`, /(Tests: +10 passed|Tests +10 passed)/);
  if (!/handles an event once that comes twice/.test(tests))
    throw new Error(`no duplicate was absorbed:\n${tests}`);
  await answers(shop);
}

/** The application itself, on the database in its folder, twice: a second start finds its tables. */
async function answers(shop: string): Promise<void> {
  for (const start of ['first', 'second']) {
    const port = await freePort();
    const env = { ...environment, PORT: String(port) };
    const application: ChildProcess = spawn(process.execPath, ['dist/main.js'], {
      cwd: shop,
      env,
      stdio: 'ignore',
    });
    try {
      const hello = () =>
        fetch(`http://localhost:${port}/`).then(
          (answer) => answer.ok,
          () => false,
        );
      await until(`the application answers at its ${start} start`, hello, 60_000);
    } finally {
      application.kill('SIGTERM');
      if (application.exitCode === null) await once(application, 'exit');
    }
  }
  console.log('          the application answers');
}

const wanted = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'packed-'));
try {
  const tarballs = await pack(join(folder, 'tarballs'));
  for (const nest of wanted.length === 0 ? ['11', '12'] : wanted) {
    const started = Date.now();
    await tryOut(nest, folder, tarballs);
    console.log(
      `Nest ${nest}: a duplicate is absorbed, after ${Math.round((Date.now() - started) / 1_000)} s`,
    );
  }
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
