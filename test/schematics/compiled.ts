/**
 * What the compiler says about generated projects, against the real packages: all in one program, each project in a folder
 * of its own with its own package.json, so that CommonJS and ES modules are checked as what they are. Writes nothing.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import type { Files } from './generated.js';

const nowhere = resolve('test/schematics/.generated');
const globals = ['describe', 'it', 'expect', 'beforeEach', 'afterEach']
  .map((name) => `declare const ${name}: typeof import('@jest/globals').${name};`)
  .join('\n');

/** As Nest 12's own projects have it. */
const options: ts.CompilerOptions = {
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  target: ts.ScriptTarget.ES2023,
  esModuleInterop: true,
  isolatedModules: true,
  emitDecoratorMetadata: true,
  experimentalDecorators: true,
  skipLibCheck: true,
  strict: true,
  noUnusedLocals: true,
  noEmit: true,
  types: ['node'],
};

/** One line for each error. */
export function compileErrors(projects: Readonly<Record<string, Files>>): string[] {
  const texts = new Map<string, string>([[join(nowhere, 'globals.d.ts'), globals]]);
  for (const [name, files] of Object.entries(projects)) {
    for (const [path, text] of Object.entries(files)) texts.set(join(nowhere, name, path), text);
  }
  const roots = [...texts.keys()].filter((path) => path.endsWith('.ts'));
  const program = ts.createProgram(roots, options, hostOf(texts));
  return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const line = file === undefined ? '' : `:${file.getLineAndCharacterOfPosition(start!).line + 1}`;
    const path = file?.fileName.replace(`${nowhere}/`, '') ?? '';
    return `${path}${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
}

function hostOf(texts: ReadonlyMap<string, string>): ts.CompilerHost {
  const host = ts.createCompilerHost(options);
  const folders = new Set([...texts.keys()].flatMap(foldersOf));
  const read = (path: string) =>
    texts.get(path) ?? (existsSync(path) ? readFileSync(path, 'utf8') : undefined);
  return {
    ...host,
    fileExists: (path) => texts.has(path) || host.fileExists(path),
    directoryExists: (path) => folders.has(path) || ts.sys.directoryExists(path),
    readFile: read,
    getSourceFile: (path, languageOrOptions, onError, shouldCreate) => {
      const text = texts.get(path);
      return text === undefined
        ? host.getSourceFile(path, languageOrOptions, onError, shouldCreate)
        : ts.createSourceFile(path, text, languageOrOptions);
    },
  };
}

function foldersOf(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, at) => parts.slice(0, at + 1).join('/'));
}
