/**
 * The TypeScript of the pages, and what the compiler says about it: a block is a file beside the other blocks of its page.
 *
 * A first line like `// payments/payment.entity.ts` names the file, so that later blocks of the page can import it. Writes
 * nothing: the files are shown to the compiler where they would stand, so that packages resolve as in the repository.
 */
import { posix, resolve } from 'node:path';
import ts from 'typescript';
import type { Page } from './pages.js';

interface CodeBlock {
  /** Where it would stand, from the repository's root. */
  readonly file: string;
  readonly code: string;
  /** For messages. */
  readonly where: string;
}

const nowhere = 'test/docs/.blocks';

/** What a test framework makes global. */
const globals: CodeBlock = {
  file: posix.join(nowhere, 'globals.d.ts'),
  code: ['describe', 'it', 'expect', 'beforeEach', 'afterEach']
    .map((name) => `declare const ${name}: typeof import('@jest/globals').${name};`)
    .join('\n'),
  where: 'globals',
};

export function codeBlocks({ path, text }: Page): CodeBlock[] {
  const folder = posix.join(nowhere, path.replace(/\.md$/, ''));
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(({ 1: code = '', index }) => {
    const line = text.slice(0, index).split('\n').length;
    const named = /^\/\/ (\S+\.ts)\n/.exec(code)?.[1] ?? `block-${line}.ts`;
    return { file: posix.join(folder, named), code, where: `${path}:${line}` };
  });
}

/** One line for each error, with page and line. */
export function compileErrors(blocks: readonly CodeBlock[]): string[] {
  const byFile = new Map([globals, ...blocks].map((block) => [resolve(block.file), block]));
  const program = ts.createProgram([...byFile.keys()], options(), hostOf(byFile));
  const found = [...byFile.keys()].flatMap((file) => {
    const source = program.getSourceFile(file)!;
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
  });
  return found.map(({ file, start, messageText }) => {
    const { line } = file!.getLineAndCharacterOfPosition(start!);
    const where = byFile.get(resolve(file!.fileName))?.where;
    return `${where} +${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
}

function options(): ts.CompilerOptions {
  const { config } = ts.readConfigFile('tsconfig.base.json', ts.sys.readFile);
  const read = ts.parseJsonConfigFileContent(config, ts.sys, process.cwd()).options;
  const { incremental: _, tsBuildInfoFile: __, ...rest } = read;
  return { ...rest, composite: false, declaration: false, declarationMap: false, noEmit: true };
}

function hostOf(byFile: ReadonlyMap<string, CodeBlock>): ts.CompilerHost {
  const host = ts.createCompilerHost(options());
  const folders = new Set([...byFile.keys()].map((file) => posix.dirname(file)));
  return {
    ...host,
    jsDocParsingMode: ts.JSDocParsingMode.ParseNone,
    fileExists: (file) => byFile.has(file) || host.fileExists(file),
    readFile: (file) => byFile.get(file)?.code ?? host.readFile(file),
    directoryExists: (folder) => folders.has(folder) || host.directoryExists!(folder),
    getSourceFile: (file, version) => {
      const block = byFile.get(file);
      if (block === undefined) return host.getSourceFile(file, version);
      return ts.createSourceFile(file, block.code, version, true);
    },
  };
}
