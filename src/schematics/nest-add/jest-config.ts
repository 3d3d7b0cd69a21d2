/**
 * Jest in a project of CommonJS: this framework is made of ES modules, which jest loads from Node 24.9 on only. Until then
 * its packages, and the few they stand on, are turned into CommonJS for tests. Production needs none of it.
 */
import type { Manifest, Project } from '../project/project.js';
import { runsAsCommonJs } from './packages.js';

/** Ours, what they import that is ES modules only, and PGlite, whose `import()` jest refuses. */
const esModules = '(@exactly-once|@electric-sql|uuid|leven)';
const pattern = `node_modules/${esModules}/.+\\.c?js$`;
const jestSettings = {
  transform: {
    [pattern]: ['@swc/jest', { swcrc: false, module: { type: 'commonjs' }, jsc: { target: 'es2022' } }],
  },
  transformIgnorePatterns: [`/node_modules/(?!${esModules}/)`],
};

/** The manifest with its jest configuration, or as it is where it has none or needs nothing. */
export function withJestSettings(manifest: Manifest, project: Project): Manifest {
  const { jest } = manifest;
  if (jest === undefined || !runsAsCommonJs(project)) return manifest;
  const transform = (jest['transform'] ?? {}) as Record<string, unknown>;
  const ignored = jest['transformIgnorePatterns'] as string[] | undefined;
  return {
    ...manifest,
    jest: {
      ...jest,
      transform: { ...jestSettings.transform, ...transform }, // the first that fits
      transformIgnorePatterns: ignored ?? jestSettings.transformIgnorePatterns,
    },
  };
}

/** What is left to the user, in words; `null` where nothing is. */
export function jestAdvice({ manifest, ...project }: Project): string | null {
  if (!runsAsCommonJs({ ...project, manifest })) return null;
  const ignored = manifest.jest?.['transformIgnorePatterns'] as string[] | undefined;
  const isWhole =
    manifest.jest !== undefined &&
    (ignored === undefined || ignored.some((one) => one.includes('@exactly-once')));
  if (isWhole) return null;
  return (
    'Before Node 24.9 jest loads no ES modules, and this framework is made of them. Add to the configuration of jest, ' +
    `"transform" first: ${JSON.stringify(jestSettings)}`
  );
}
