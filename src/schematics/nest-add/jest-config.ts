/**
 * Jest in a project of CommonJS: this framework is made of ES modules, which jest loads from Node 24.9 on only. Until then
 * its packages, and the few they stand on, are turned into CommonJS for tests. Production needs none of it.
 */
import type { Manifest, Project } from '../project/project.js';
import { folderOf, join, jsonOf, writeJson } from '../project/tree.js';
import { runsAsCommonJs } from './packages.js';

/** Ours, what they import that is ES modules only, and PGlite, whose `import()` jest refuses. */
const esModules = '(@exactly-once|@electric-sql|uuid|leven)';
const pattern = `node_modules/${esModules}/.+\\.c?js$`;
const jestSettings = {
  transform: {
    [pattern]: ['@swc/jest', { swcrc: false, module: { type: 'commonjs' }, jsc: { target: 'es2022' } }],
  },
  transformIgnorePatterns: [`/node_modules/(?!\\.pnpm/|${esModules}/)`], // .pnpm: where pnpm keeps them all
};

type JestConfig = Record<string, unknown>;

/** The manifest with its jest configuration, or as it is where it has none or needs nothing. */
export function withJestSettings(manifest: Manifest, project: Project): Manifest {
  const { jest } = manifest;
  return jest === undefined || !runsAsCommonJs(project)
    ? manifest
    : { ...manifest, jest: withSettings(jest) };
}

function withSettings(jest: JestConfig): JestConfig {
  const transform = (jest['transform'] ?? {}) as Record<string, unknown>;
  return {
    ...jest,
    transform: { ...jestSettings.transform, ...transform }, // the first that fits
    transformIgnorePatterns: jest['transformIgnorePatterns'] ?? jestSettings.transformIgnorePatterns,
  };
}

/** The configuration of the end-to-end tests, as Nest makes it beside the sources: `test/jest-e2e.json`. */
export function patchEndToEndTests(project: Project): void {
  const { tree, sourceRoot } = project;
  if (!runsAsCommonJs(project)) return;
  const path = join(folderOf(sourceRoot), 'test/jest-e2e.json');
  const config = jsonOf<JestConfig>(tree, path);
  if (config !== null) writeJson(tree, path, withSettings(config));
}

/** What is left to the user, in words; `null` where nothing is. */
export function jestAdvice(project: Project): string | null {
  const { tree, manifest, sourceRoot } = project;
  if (!runsAsCommonJs(project)) return null;
  const ofTests = jsonOf<JestConfig>(tree, join(folderOf(sourceRoot), 'test/jest-e2e.json'));
  if (isWhole(manifest.jest) && (ofTests === null || isWhole(ofTests))) return null;
  return (
    'Before Node 24.9 jest loads no ES modules, and this framework is made of them. Add to the configuration of jest, ' +
    `"transform" first: ${JSON.stringify(jestSettings)}`
  );
}

function isWhole(jest: JestConfig | undefined): boolean {
  const ignored = jest?.['transformIgnorePatterns'] as string[] | undefined;
  return (
    jest !== undefined && (ignored === undefined || ignored.some((one) => one.includes('@exactly-once')))
  );
}
