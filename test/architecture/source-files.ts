/**
 * The sources that the rules are about: TypeScript in the folders named, without what is built, fetched or
 * installed.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';

export interface SourceFile {
  /** From the repository's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

const skipped = new Set(['node_modules', 'dist', 'dist-test', '.cache', 'evidence', '.git', 'coverage']);

export function sourceFiles(...folders: string[]): SourceFile[] {
  return folders
    .flatMap((folder) => walk(folder))
    .map((path) => ({
      path: path.split(sep).join('/'),
      text: readFileSync(path, 'utf8'),
    }));
}

/** Ends in `.spec.ts` or `.e2e-spec.ts`. */
export function isSpec({ path }: SourceFile): boolean {
  return /\.(e2e-)?spec\.ts$/.test(path);
}

/** A spec, or anything under `test/`. */
export function isTest(file: SourceFile): boolean {
  return isSpec(file) || file.path.startsWith('test/');
}

function walk(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    if (skipped.has(name)) return [];
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return walk(path);
    return /\.(ts|mts|cts)$/.test(name) && !name.endsWith('.d.ts') ? [path] : [];
  });
}
