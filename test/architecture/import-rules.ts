/**
 * The rules about imports: a star around core, no way into a package but its index, nothing undeclared.
 * TypeScript keeps none of them: an undeclared import of a hoisted workspace compiles clean.
 */
import { existsSync, readFileSync } from 'node:fs';
import { neighboursOf, packageName, packagesOf } from './imports.js';
import type { Rule } from './rule.js';
import { isSpec, isTest, type SourceFile } from './source-files.js';

/** For each lib the packages that it may import; `@scope/*` stands for all of a scope. Node's own are free. */
const law = JSON.parse(readFileSync('test/architecture/dependency-law.json', 'utf8')) as Readonly<
  Record<string, readonly string[]>
>;

/** The folder that a product file may not leave by a relative import, and whose package.json speaks for it. */
function homeOf({ path }: SourceFile): string {
  return /^(libs|apps)\/[^/]+/.exec(path)?.[0] ?? path.split('/')[0]!;
}

/**
 * A lib imports what the table grants; an app and a tool any lib but `testing`. Services know one another by their
 * events only; the shop composes them. Specs may use the test kit.
 */
export const dependencyLaw: Rule = (file) => {
  if (isSpec(file)) return [];
  const home = homeOf(file);
  const isLib = home.startsWith('libs/');
  const granted = law[home] ?? [];
  const refused = (name: string) =>
    name === '@exactly-once/testing' || (home !== 'apps/shop' && name.startsWith('@exactly-once/app-'));
  return packagesOf(file)
    .map(packageName)
    .filter((name) => (isLib ? !granted.some((one) => grants(one, name)) : refused(name)))
    .map((name) => `imports ${name}, which the law does not grant to ${home}`);
};

/** Only a package's index is its door, and a lib does not use its own. */
export const noWayRound: Rule = (file) => {
  if (file.path.startsWith('test/')) return [];
  const home = homeOf(file);
  const isLib = home.startsWith('libs/');
  const deep = packagesOf(file).filter((name) => /^@exactly-once\/[^/]+\/./.test(name));
  const outside = neighboursOf(file).filter(
    (path) => !`${path}/`.startsWith(isLib ? `${home}/src/` : `${home}/`),
  );
  const own = neighboursOf(file).filter((path) => isLib && isIndexOf(home, path));
  return [
    ...deep.map((name) => `reaches into ${name}`),
    ...outside.map((path) => `leaves ${home} for ${path}`),
    ...own.map((path) => `imports its own index, ${path}`),
  ];
};

/** Every package that product code imports stands in its own package.json, not under `devDependencies`. */
export const declaredDependencies: Rule = (file) => {
  if (isTest(file)) return [];
  const home = homeOf(file);
  const manifest = existsSync(`${home}/package.json`) ? `${home}/package.json` : 'package.json';
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(manifest, 'utf8')) as Record<
    string,
    Record<string, string> | undefined
  >;
  const declared = { ...dependencies, ...peerDependencies };
  return packagesOf(file)
    .filter((name) => !Object.hasOwn(declared, packageName(name)))
    .map((name) => `imports ${name}, which ${manifest} does not declare`);
};

/** A Kafka client is known in its own folder alone, so that another can join. */
export const clientBehindPort: Rule = (file) => {
  if (!file.path.startsWith('libs/kafka/src/') || file.path.startsWith('libs/kafka/src/kafkajs/')) return [];
  return packagesOf(file)
    .filter((name) => packageName(name) === 'kafkajs')
    .map((name) => `imports ${name}, which only libs/kafka/src/kafkajs may`);
};

/**
 * The law is wider for the test kit than for an adapter: `testExactlyOnce` composes a user's module, as an app does, and
 * so needs Nest and TypeORM. One file loads them, when a test asks for it, so that the ports and suites beside it stay
 * of use without them.
 */
export const kitBehindDoor: Rule = (file) => {
  const door = 'libs/testing/src/application/peers.ts';
  if (!file.path.startsWith('libs/testing/src/') || file.path === door || isTest(file)) return [];
  return packagesOf(file)
    .filter((name) => packageName(name) !== '@exactly-once/core')
    .map((name) => `imports ${name}, which only ${door} may`);
};

function grants(granted: string, name: string): boolean {
  return granted.endsWith('/*') ? name.startsWith(granted.slice(0, -1)) : granted === name;
}

function isIndexOf(home: string, path: string): boolean {
  return [`${home}/src`, `${home}/src/index`, `${home}/src/index.ts`].includes(path.replace(/\/$/, ''));
}
