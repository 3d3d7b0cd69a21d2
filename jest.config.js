/** Two tiers: `unit` needs nothing but Node; `e2e` finds or starts real services (test/services). */
const shared = {
  rootDir: '.',
  testEnvironment: '<rootDir>/dist-test/test/services/jest-environment.js',
  extensionsToTreatAsEsm: ['.ts'],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'cjs', 'json', 'node'],
  moduleNameMapper: {
    '^@exactly-once/app-([^/]+)$': '<rootDir>/apps/$1/src/index.ts',
    '^@exactly-once/([^/]+)$': '<rootDir>/libs/$1/src/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/dist-test', '<rootDir>/(libs|apps)/[^/]+/dist'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
          keepClassNames: true,
          target: 'es2022',
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
};

export default {
  testTimeout: 60_000,
  // ES modules of a finished file stay in the worker's heap (jest on Node 20), which grew to 3 GB.
  workerIdleMemoryLimit: '700MB',
  projects: [
    { ...shared, displayName: 'unit', testMatch: ['<rootDir>/{libs,src,apps,test}/**/*.spec.ts'] },
    {
      ...shared,
      displayName: 'e2e',
      testMatch: ['<rootDir>/{test,apps}/**/*.e2e-spec.ts'],
      globalSetup: '<rootDir>/dist-test/test/services/jest-global-setup.js',
      globalTeardown: '<rootDir>/dist-test/test/services/jest-global-teardown.js',
    },
  ],
};
