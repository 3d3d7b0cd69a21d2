/**
 * How large each package is: packed, unpacked, and installed with all that it depends on; peers are the user's own.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Manifest, Tarball } from './outside.js';

/** Lines of a table. `folder`: where the packages are installed. */
export function sizeTable(tarballs: readonly Tarball[], folder: string): string[] {
  const rows = tarballs.map(({ manifest, packedBytes, unpackedBytes }) => {
    const home = join(folder, 'node_modules', manifest.name);
    const all = closure(home);
    const bytes = [...all].reduce((sum, one) => sum + bytesIn(one), 0);
    const { dependencies = {}, peerDependencies = {} } = manifest;
    const direct = Object.keys(dependencies).length;
    const counts = [direct, all.size - 1, Object.keys(peerDependencies).length];
    return [manifest.name, ...[packedBytes, unpackedBytes, bytes].map(kilobytes), ...counts.map(String)];
  });
  const head = ['package', 'packed', 'unpacked', 'installed', 'dependencies', 'with theirs', 'peers'];
  return [head, ...rows].map((cells) =>
    cells.map((cell, at) => (at === 0 ? cell.padEnd(24) : cell.padStart(13))).join(''),
  );
}

const kilobytes = (bytes: number) => `${Math.round(bytes / 1_000)} kB`;

/** The folder of a package and of everything it depends on, found as Node does. */
function closure(home: string, found = new Set<string>()): Set<string> {
  if (found.has(home)) return found;
  found.add(home);
  const { dependencies = {} } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as Manifest;
  for (const name of Object.keys(dependencies)) closure(resolveFrom(home, name), found);
  return found;
}

function resolveFrom(folder: string, name: string): string {
  const home = join(folder, 'node_modules', name);
  if (existsSync(home)) return home;
  if (dirname(folder) === folder) throw new Error(`${name} is not installed`);
  return resolveFrom(dirname(folder), name);
}

/** Without what is installed inside of it. */
function bytesIn(folder: string): number {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules')
    .map((entry) => join(folder, entry.name))
    .reduce((sum, path) => sum + (statSync(path).isDirectory() ? bytesIn(path) : statSync(path).size), 0);
}
