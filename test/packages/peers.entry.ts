/**
 * `npm run check:peers`: the packed packages at the ends of their peer ranges, in folders of their own, over real
 * services. `--one`: the lowest alone. Exits with 1 where an effect is missing or doubled, or a type is wrong.
 */
import { readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Services } from '../services/services.js';
import { withServices } from '../services/services.js';
import { pack, publishedLibs, type Tarball } from './outside.js';
import { sizeTable } from './package-sizes.js';
import { type End, ends, peersAt } from './peer-ends.js';
import { PeerFolder } from './peer-folder.js';

const shown = ['@nestjs/core', '@nestjs/microservices', 'typeorm', 'kafkajs', 'class-validator', 'rxjs'];
/** What a program needs beside the packages and their peers, as this repository has it. */
const beside = ['amqplib', 'amqp-connection-manager', '@types/node'];
const say = (text: string) => process.stdout.write(`${text}\n`);
const seconds = (sinceMs: number) => `${((performance.now() - sinceMs) / 1_000).toFixed(1)} s`;

/** Resolves with what is wrong, in words. */
async function check(end: End, tarballs: readonly Tarball[], services: Services): Promise<string[]> {
  const folder = new PeerFolder();
  const manifests = tarballs.map(({ manifest }) => manifest);
  try {
    const installing = performance.now();
    const peers = peersAt(end, manifests);
    await folder.install([...tarballs.map(({ tarball }) => tarball), ...peers, ...besides()]);
    say(`\n${end}: ${shown.map((name) => `${name} ${folder.version(name)}`).join(', ')}`);
    say(`  installed in ${seconds(installing)}`);
    const compiling = performance.now();
    const wrong = folder.compile();
    say(`  compiled in ${seconds(compiling)}, ${wrong.length} errors`);
    for (const file of ['program.mjs', 'program.cjs'] as const) {
      const running = performance.now();
      const counts = await runIn(folder, file, services).catch((error: Error) => error);
      say(`  ${file} in ${seconds(running)}: ${counts instanceof Error ? 'failed' : JSON.stringify(counts)}`);
      if (counts instanceof Error) {
        wrong.push(`${file}: ${counts.message}`);
        continue;
      }
      const uneven = Object.entries(counts).filter(([, count]) => count !== 1);
      wrong.push(...uneven.map(([way, count]) => `${file}: ${count} effects over ${way}`));
    }
    if (end === 'newest') say(`\n${sizeTable(tarballs, folder.folder).join('\n')}`);
    return wrong.map((what) => `${end}: ${what}`);
  } finally {
    folder.remove();
  }
}

async function runIn(
  folder: PeerFolder,
  file: 'program.mjs' | 'program.cjs',
  { postgres, kafka, rabbitmq }: Services,
): Promise<Record<string, number>> {
  const rabbit = await rabbitmq();
  const databases = [await postgres.createDatabase('peers'), await postgres.createDatabase('peers_test')];
  try {
    return await folder.run(file, {
      databaseUrl: databases[0]!.url,
      testDatabaseUrl: databases[1]!.url,
      brokers: kafka.brokers,
      topic: await kafka.createTopic('peers'),
      foreignTopic: await kafka.createTopic('peers-nest'),
      group: kafka.group('peers'),
      rabbitUrl: rabbit.url,
      queue: rabbit.queue('peers'),
    });
  } finally {
    for (const database of databases) await database.drop();
  }
}

function besides(): string[] {
  const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    readonly devDependencies: Readonly<Record<string, string>>;
  };
  return beside.map((name) => `${name}@${devDependencies[name]}`);
}

const began = performance.now();
const destination = await mkdtemp(join(tmpdir(), 'packed-'));
try {
  const tarballs: Tarball[] = [];
  for (const lib of publishedLibs()) tarballs.push(await pack(lib, destination));
  const wrong = await withServices(async (services) => {
    const found: string[] = [];
    const chosen = process.argv.includes('--one') ? (['lowest'] as const) : ends;
    for (const end of chosen) found.push(...(await check(end, tarballs, services)));
    return found;
  });
  for (const what of wrong) say(what);
  say(`${wrong.length === 0 ? 'ok' : `${wrong.length} findings`} in ${seconds(began)}`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
} finally {
  rmSync(destination, { recursive: true, force: true });
}
