/** The dependency law (test/architecture.spec.ts keeps the rest of it): a star around core, and no cycles. */
const star = (name, allowed) => ({
  name: `${name}-imports`,
  comment: `libs/${name} imports core and its own peers, nothing else`,
  severity: 'error',
  from: { path: `^libs/${name}/src`, pathNot: '\\.spec\\.ts$' },
  to: { path: '^(libs|apps|src|test)/', pathNot: [`^libs/${name}/`, ...allowed] },
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    star('core', []),
    ...['typeorm', 'kafka', 'nestjs', 'testing'].map((name) => star(name, ['^libs/core/(src|dist)/index'])),
    {
      name: 'apps-import-libs',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: ['^libs/testing/', '^(src|test)/', '^apps/'], pathNot: '^apps/$1/' },
    },
    {
      name: 'src-imports-libs',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(apps|test|libs/testing)/' },
    },
    {
      name: 'no-own-index',
      severity: 'error',
      from: { path: '^libs/([^/]+)/src/.+' },
      to: { path: '^libs/$1/src/index\\.ts$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist(-test)?/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'default'],
      extensions: ['.ts', '.js'],
    },
  },
};
