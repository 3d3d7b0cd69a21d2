/**
 * The files of a user's project as the Angular schematics engine shows them: what it reads and writes here reaches the
 * disk only when a generator has come to its end. So a generator that throws has changed nothing.
 *
 * Only the little that generators use of it, so that this package needs none of the engine's own at run time.
 */
import { posix } from 'node:path';
import ts from 'typescript';

export interface Folder {
  readonly path: string;
  readonly subdirs: readonly string[];
  readonly subfiles: readonly string[];
}

export interface Tree {
  exists(path: string): boolean;
  read(path: string): Buffer | null;
  create(path: string, content: string): void;
  overwrite(path: string, content: string): void;
  getDir(path: string): Folder;
}

export interface Context {
  readonly logger: { info(message: string): void; warn(message: string): void };
  addTask(task: { toConfiguration(): { name: string; options: object } }): unknown;
}

export type Rule = (tree: Tree, context: Context) => Promise<void>;

export function textOf(tree: Tree, path: string): string | null {
  return tree.read(path)?.toString('utf8') ?? null;
}

/** `null` where there is no such file. Comments are overlooked, as Nest does. Throws where it is no JSON. */
export function jsonOf<T>(tree: Tree, path: string): T | null {
  const text = textOf(tree, path);
  if (text === null) return null;
  const { config, error } = ts.parseConfigFileTextToJson(path, text);
  if (error === undefined) return config as T;
  throw new Error(`${path} is not JSON that can be read. Nothing was changed.`);
}

/** Writes JSON with the indentation that the file has. */
export function writeJson(tree: Tree, path: string, value: unknown): void {
  const before = textOf(tree, path);
  const indent = /^([ \t]+)"/m.exec(before ?? '')?.[1] ?? '  ';
  const text = `${JSON.stringify(value, null, indent)}\n`;
  if (before === null) tree.create(path, text);
  else if (before.trimEnd() !== text.trimEnd()) tree.overwrite(path, text);
}

const isSpec = (name: string) => /[.-](spec|test)\.ts$/.test(name);

/** TypeScript below a folder, from the root, without specs and what is installed or built. */
export function* sourcesBelow(tree: Tree, folder: string): Generator<string> {
  const { subdirs, subfiles } = tree.getDir(folder);
  for (const name of subfiles) {
    if (name.endsWith('.ts') && !name.endsWith('.d.ts') && !isSpec(name)) yield join(folder, name);
  }
  for (const name of subdirs) {
    if (name !== 'node_modules' && name !== 'dist') yield* sourcesBelow(tree, join(folder, name));
  }
}

/** Of a tree's paths: without a slash in front, `.` and doubled ones left out. */
export function join(...parts: readonly string[]): string {
  return posix.join('/', ...parts).replace(/^\/|\/$/g, '');
}

export function folderOf(path: string): string {
  return path.split('/').slice(0, -1).join('/');
}
