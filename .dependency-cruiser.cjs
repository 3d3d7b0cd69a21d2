/**
 * The dependency law (DESIGN: a star around core) and the ban on cycles, over every import, those of types too.
 * What a lib may import stands in one table, which `test/architecture.spec.ts` reads as well; that these rules
 * find what breaks them is shown in `test/architecture/dependency-cruiser.spec.ts`.
 */
const law = require('./test/architecture/dependency-law.json');

/** Where a package of the law resolves to: another lib's index only, or a folder of node_modules. */
function placesOf(name) {
  const own = /^@exactly-once\/(.+)$/.exec(name);
  if (own !== null) return [`^libs/${own[1]}/dist/index\\.d\\.ts$`];
  const folder = name.replace(/\*$/, '[^/]+');
  return [`(^|/)node_modules/(@types/)?${folder}/`];
}

const libs = Object.entries(law).map(([lib, allowed]) => ({
  name: `${lib.replace('libs/', '')}-imports`,
  comment: `${lib} imports itself, Node and the packages of test/architecture/dependency-law.json`,
  severity: 'error',
  from: { path: `^${lib}/src/`, pathNot: '\\.spec\\.ts$' },
  to: { pathNot: [`^${lib}/src/`, ...allowed.flatMap(placesOf)], dependencyTypesNot: ['core'] },
}));

module.exports = {
  forbidden: [
    ...libs,
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-own-index',
      severity: 'error',
      from: { path: '^libs/([^/]+)/src/' },
      to: { path: '^libs/$1/(src|dist)/index\\.(ts|d\\.ts)$' },
    },
    {
      name: 'no-deep-imports',
      comment: 'a lib is what its index exports; only tests may look inside',
      severity: 'error',
      from: { pathNot: ['^libs/', '^test/'] },
      to: { path: '^libs/', pathNot: '^libs/[^/]+/dist/index\\.d\\.ts$' },
    },
    {
      name: 'apps-import-libs',
      comment: 'a service knows the others by their events only; the shop composes them, by their indexes',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: {
        path: ['^libs/testing/', '^src/', '^test/', '^apps/'],
        pathNot: '^apps/($1/|[^/]+/dist/index\\.d\\.ts$)',
      },
    },
    {
      name: 'services-stand-alone',
      severity: 'error',
      from: { path: '^apps/([^/]+)/', pathNot: '^apps/shop/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'src-imports-libs',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: ['^libs/testing/', '^apps/', '^test/'] },
    },
    {
      name: 'no-unresolvable',
      comment: 'an edge that cannot be seen cannot be judged; `tsc -b` makes the libs resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    // the peers of the benchmarks stand on packages that are installed apart, on first use
    exclude: { path: '^test/bench/apart/' },
    doNotFollow: { path: ['node_modules', '^(libs|apps)/[^/]+/dist/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'require', 'node', 'default'],
      extensions: ['.ts', '.js', '.d.ts'],
    },
  },
};
