/**
 * An empty folder into which npm installs the packed packages beside peers of certain versions, as a user would, and
 * the program that is compiled and run there, as an ES module and as CommonJS. The registry is asked, its cache first.
 */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import type { PeersPlan } from './peers-program.js';

const run = promisify(execFile);
const program = 'test/packages/peers-program.ts';

export class PeerFolder {
  readonly folder = mkdtempSync(join(tmpdir(), 'peers-'));

  async install(specs: readonly string[]): Promise<void> {
    writeFileSync(join(this.folder, 'package.json'), '{ "private": true }');
    const quiet = ['--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'];
    const words = ['install', ...quiet, '--ignore-scripts', '--prefer-offline', ...specs];
    await run('npm', words, { cwd: this.folder, timeout: 300_000 });
  }

  version(name: string): string {
    const path = join(this.folder, 'node_modules', name, 'package.json');
    return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
  }

  /** The program in both formats; what the compiler says of it and of our declarations, with the types that are there. */
  compile(): string[] {
    const files = ['program.mts', 'program.cts'].map((name) => join(this.folder, name));
    for (const file of files) copyFileSync(program, file);
    const compiler = ts.createProgram(files, {
      strict: true,
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      useDefineForClassFields: false,
      types: ['node'],
      typeRoots: [join(this.folder, 'node_modules/@types')],
    });
    compiler.emit();
    const ours = compiler
      .getSourceFiles()
      .filter(({ fileName }) =>
        /^(program\.[mc]ts|node_modules\/@exactly-once\/)/.test(this.#within(fileName)),
      );
    return ours
      .flatMap((file) => [
        ...compiler.getSyntacticDiagnostics(file),
        ...compiler.getSemanticDiagnostics(file),
      ])
      .map(({ file, start, messageText }) => {
        const line = file!.getLineAndCharacterOfPosition(start!).line + 1;
        return `${this.#within(file!.fileName)}:${line} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
      });
  }

  /** What the program prints. Rejects where it fails, or does not end by itself. */
  async run(file: 'program.mjs' | 'program.cjs', plan: PeersPlan): Promise<Record<string, number>> {
    const words = ['--no-warnings', file, JSON.stringify(plan)];
    const env = { ...process.env, NODE_OPTIONS: '' };
    const { stdout } = await run(process.execPath, words, { cwd: this.folder, env, timeout: 120_000 });
    return JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, number>;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #within(file: string): string {
    return file.startsWith(this.folder) ? file.slice(this.folder.length + 1) : file;
  }
}
