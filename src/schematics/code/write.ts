/**
 * Puts generated text into the project, as the project's own prettier would write it where there is one, else in the
 * style of Nest's own generators.
 *
 * A file that the user has is only formatted if it was before: nobody's lines are moved who does not want that.
 */
import { createRequire } from 'node:module';
import { join as joinDisk } from 'node:path';
import { type Tree, textOf } from '../project/tree.js';
import { SourceEdit } from './source-edit.js';

interface Prettier {
  format(text: string, options: object): Promise<string> | string;
  check(text: string, options: object): Promise<boolean> | boolean;
  resolveConfig(path: string, options: object): Promise<object | null>;
}

/** Throws where the file is there already: a generator never overwrites. */
export async function createFile(tree: Tree, path: string, text: string): Promise<void> {
  if (tree.exists(path)) throw new Error(`${path} exists already. Nothing was changed. Choose another name.`);
  tree.create(path, await formatted(path, text));
}

/** `change` gets the file's syntax tree; a file that it leaves as it is is not written. */
export async function editFile<T>(tree: Tree, path: string, change: (edit: SourceEdit) => T): Promise<T> {
  const before = textOf(tree, path);
  if (before === null) throw new Error(`There is no ${path}. Nothing was changed.`);
  const edit = new SourceEdit(path, before);
  const outcome = change(edit);
  if (!edit.isChanged) return outcome;
  const after = edit.result();
  tree.overwrite(path, (await isFormatted(path, before)) ? await formatted(path, after) : after);
  return outcome;
}

async function formatted(path: string, text: string): Promise<string> {
  const prettier = /\.(ts|json)$/.test(path) ? prettierOfProject() : null;
  return prettier === null ? text : prettier.format(text, await optionsFor(prettier, path));
}

async function isFormatted(path: string, text: string): Promise<boolean> {
  const prettier = prettierOfProject();
  return prettier !== null && (await prettier.check(text, await optionsFor(prettier, path)));
}

async function optionsFor(prettier: Prettier, path: string): Promise<object> {
  const filepath = joinDisk(process.cwd(), path);
  return { ...(await prettier.resolveConfig(filepath, { editorconfig: true })), filepath };
}

/** `null` where the project has none. */
function prettierOfProject(): Prettier | null {
  const load = createRequire(joinDisk(process.cwd(), 'package.json'));
  try {
    return load('prettier') as Prettier;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return null;
    throw error;
  }
}
