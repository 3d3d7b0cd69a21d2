import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { publint } from 'publint';
import ts from 'typescript';
import { Outside, type PackedPackage, publishedLibs } from './outside.js';

const libs = publishedLibs();
const published = [...libs, '.'];
let outside: Outside;

beforeAll(async () => {
  outside = await Outside.of(...published);
});
afterAll(() => outside.remove());

const packed = (source: string): PackedPackage => outside.packages.find((one) => one.source === source)!;
const nameOf = (lib: string) => lib.replace('libs/', '@exactly-once/');

describe.each(published)('the package of %s', (source) => {
  it('holds what is built, its README and its licence, and nothing else', () => {
    const { files } = packed(source);

    const alien = files.filter(
      (path) =>
        !/^(dist\/.*\.(js|d\.ts)|README\.md|LICENSE|package\.json)$/.test(path) &&
        !/^dist\/schematics\/(collection|[\w-]+\/schema)\.json$/.test(path),
    );
    expect(alien).toEqual([]);
    expect(files.filter((path) => /\.spec\.|\.tsbuildinfo/.test(path))).toEqual([]);
    expect(files).toEqual(expect.arrayContaining(['README.md', 'LICENSE', 'package.json']));
  });

  it('holds all that is built of its sources', () => {
    const due = sourcesIn(source === '.' ? 'src' : `${source}/src`).flatMap((path) => [
      `dist/${path}.js`,
      `dist/${path}.d.ts`,
    ]);

    expect(due.length).toBeGreaterThan(0);
    expect(packed(source).files).toEqual(expect.arrayContaining(due));
  });

  it('passes publint', async () => {
    const { folder } = packed(source);

    const { messages } = await publint({ pkgDir: folder, pack: false, strict: true });

    expect(messages).toEqual([]);
  });

  it('has a README that is about it', () => {
    const { folder, name } = packed(source);

    const readme = readFileSync(join(folder, 'README.md'), 'utf8');

    expect(readme.length).toBeGreaterThan(500);
    expect(readme).toContain(source === '.' ? 'Exactly Once' : name);
  });
});

describe.each(libs)('the types of %s', (source) => {
  it('are right, whoever resolves them', async () => {
    const tarball = readFileSync(packed(source).tarball);

    const analysis = await checkPackage(createPackageFromTarballData(tarball));

    const problems = 'problems' in analysis ? analysis.problems : ['no types'];
    expect(problems).toMatchObject([{ kind: 'CJSResolvesToESM' }]); // which Node's require() takes
  });
});

const importing = (name: string, at: number) => `import * as lib${at} from '${name}';`;
const requiring = (name: string, at: number) => `import lib${at} = require('${name}');`;
const nodenext = { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext };
/** As older projects of the Nest CLI have it. */
const commonjs: ts.CompilerOptions = {
  module: ts.ModuleKind.CommonJS,
  moduleResolution: ts.ModuleResolutionKind.Node10,
  ignoreDeprecations: '6.0',
};

describe('outside of the repository', () => {
  it.each([
    ['ES modules', 'consumer.mts', importing, nodenext],
    ['CommonJS', 'consumer.cts', requiring, nodenext],
    ['CommonJS, resolved as before "exports"', 'consumer.ts', importing, commonjs],
  ])('the types resolve and are whole, from %s', (_, file, load, resolution) => {
    const path = join(outside.folder, file);
    const names = libs.map(nameOf);
    const uses = names.map((_name, at) => `export const keys${at}: string[] = Object.keys(lib${at});`);
    writeFileSync(path, [...names.map(load), ...uses].join('\n'));
    outside.provide('@types/node');

    expect(typeErrors(path, resolution)).toEqual([]);
  });

  it('a type that a package does not have is an error, so the types are looked at', () => {
    const path = join(outside.folder, 'wrong.mts');
    writeFileSync(path, "import { NoSuchThing } from '@exactly-once/core';\nexport const a = NoSuchThing;\n");

    expect(typeErrors(path, nodenext)).toEqual([expect.stringContaining('NoSuchThing')]);
  });

  it.each([
    ['import', 'run.mjs', 'await import'],
    ['require()', 'run.cjs', 'require'],
  ])('each package can be loaded by %s, with nothing but what it declares', async (_, file, load) => {
    const names = libs.map(nameOf);
    const list = `[${names.map((name) => `Object.keys(${load}('${name}')).length`).join(', ')}]`;
    writeFileSync(join(outside.folder, file), `console.log(JSON.stringify(${list}));`);

    const counts = JSON.parse(await outside.run('--no-warnings', file)) as number[];

    expect(counts).toHaveLength(names.length);
    expect(Math.min(...counts)).toBeGreaterThan(0);
  });

  it('the generators can be loaded, with nothing but what the tool declares', async () => {
    const script = `
      const { schematics } = require('exactly-once/dist/schematics/collection.json');
      const found = Object.entries(schematics).map(([name, { factory, schema }]) => {
        const [path, member] = factory.split('#');
        const folder = 'exactly-once/dist/schematics/';
        return [name, typeof require(folder + path)[member], require(folder + schema).type];
      });
      console.log(JSON.stringify(found));`;
    writeFileSync(join(outside.folder, 'generators.cjs'), script);

    const found = JSON.parse(await outside.run('--no-warnings', 'generators.cjs')) as [
      string,
      string,
      string,
    ][];

    expect(found.length).toBeGreaterThan(5);
    expect(new Set(found.map(([, ...kinds]) => kinds.join()))).toEqual(new Set(['function,object']));
  });

  it('the tool starts', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

    const said = await outside.run('node_modules/exactly-once/dist/exactly-once.js', '--version');

    expect(said).toBe(`${version}\n`);
  });
});

/** Without their ending, from the folder. */
function sourcesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.spec.ts'))
    .map((path) => path.slice(0, -'.ts'.length));
}

/** Errors of a program and of our packages' declarations; other people's are their own. */
function typeErrors(path: string, resolution: ts.CompilerOptions): string[] {
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2023,
    ...resolution,
    types: ['node'],
    typeRoots: [join(outside.folder, 'node_modules/@types')],
  };
  const program = ts.createProgram([path], options);
  const ours = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(outside.folder));
  const found = ours.flatMap((file) => [
    ...program.getSyntacticDiagnostics(file),
    ...program.getSemanticDiagnostics(file),
  ]);
  return [...program.getOptionsDiagnostics(), ...program.getGlobalDiagnostics(), ...found].map(
    ({ messageText, file }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
  );
}
