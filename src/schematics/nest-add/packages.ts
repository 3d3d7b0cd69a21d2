/**
 * The packages that an application needs, at the ranges that are tested (`peerDependencies` of the libs), and the scripts
 * that go with them. What package.json names already stays as it is.
 */
import { readFileSync } from 'node:fs';
import { dependency, lowestNest, type Manifest, type Project } from '../project/project.js';
import { writeJson } from '../project/tree.js';

export interface Choices {
  readonly database: 'postgres' | 'embedded';
  readonly broker: 'database' | 'kafka';
}

type Packages = Record<string, string>;

export interface NeededPackages {
  readonly dependencies: Packages;
  readonly devDependencies: Packages;
}

/** The release that these generators are part of; all its packages have the same version. */
const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const pglite = { '@electric-sql/pglite': '^0.5.16' };

export function neededPackages(project: Project, { database, broker }: Choices): NeededPackages {
  const own = `^${version}`;
  const nest = `^${project.nestMajor}.0.0`;
  const dependencies: Packages = {
    'exactly-once': own,
    '@exactly-once/nestjs': own,
    '@exactly-once/typeorm': own,
    ...(broker === 'kafka' ? { '@exactly-once/kafka': own, kafkajs: '^2.2.4' } : {}),
    '@nestjs/microservices': `^${lowestNest[project.nestMajor]}`,
    '@nestjs/typeorm': nest,
    typeorm: '^1.1.1',
    pg: '^8.11.0',
    'class-validator': '^0.15.0',
    'class-transformer': '^0.5.1',
    ...(database === 'embedded' ? pglite : {}),
  };
  const devDependencies: Packages = {
    '@exactly-once/testing': own,
    ...(database === 'embedded' ? {} : pglite),
    ...(runsAsCommonJs(project) ? { '@swc/core': '^1.16.18', '@swc/jest': '^0.2.39' } : {}),
  };
  return { dependencies, devDependencies };
}

/** Jest with ts-jest in a project of CommonJS: before Node 24.9 it cannot load an ES module. */
export function runsAsCommonJs({ isEsm, testRunner }: Project): boolean {
  return testRunner === 'jest' && !isEsm;
}

/**
 * Returns whether anything was missing. What is needed in production and named for development only is moved, at the range
 * that it has.
 */
export function addPackages(
  { tree, manifestPath, manifest }: Project,
  { dependencies, devDependencies }: NeededPackages,
  change: (manifest: Manifest) => Manifest = (same) => same,
): boolean {
  const missing = (packages: Packages) =>
    Object.fromEntries(Object.entries(packages).filter(([name]) => dependency(manifest, name) === undefined));
  const { devDependencies: ofDev = {}, peerDependencies: peers = {}, dependencies: known = {} } = manifest;
  const moved = Object.fromEntries(
    Object.keys(dependencies)
      .filter((name) => name in ofDev && !(name in known) && !(name in peers))
      .map((name) => [name, ofDev[name]!]),
  );
  const [wanted, wantedDev] = [{ ...missing(dependencies), ...moved }, missing(devDependencies)];
  const isMissing = Object.keys({ ...wanted, ...wantedDev }).length > 0;
  const kept = Object.fromEntries(Object.entries(ofDev).filter(([name]) => !(name in moved)));
  writeJson(
    tree,
    manifestPath,
    change({
      ...manifest,
      ...(Object.keys(wanted).length === 0
        ? {}
        : { dependencies: sorted({ ...manifest.dependencies, ...wanted }) }),
      ...(Object.keys({ ...wantedDev, ...moved }).length === 0
        ? {}
        : { devDependencies: sorted({ ...kept, ...wantedDev }) }),
    }),
  );
  return isMissing;
}

function sorted(packages: Packages): Packages {
  return Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What the engine runs when the files are written: `npm install`, or that of the project's package manager. */
export const installTask = {
  toConfiguration: () => ({ name: 'node-package', options: { command: 'install', quiet: true } }),
};
