/**
 * Classes of the user's project: finds one by its name, with those that it extends, and the module nearest to a folder.
 *
 * Reads only, and no specs: what stands there is no part of the application.
 */
import ts from 'typescript';
import { type Project, projectRoots } from '../project/project.js';
import { folderOf, join, sourcesBelow, type Tree, textOf } from '../project/tree.js';
import { importedFrom } from './imports.js';
import { decoratorCall, nodesOf, SourceEdit } from './source-edit.js';

export interface FoundClass {
  readonly name: string;
  readonly path: string;
  readonly declaration: ts.ClassDeclaration;
  /** Those that it extends, the nearest first. */
  readonly bases: readonly ts.ClassDeclaration[];
  /** What is behind them, where nobody could find it: `PartialType(Order)`. */
  readonly unknownBase: string | null;
}

/**
 * An exported class with this decorator, of the project or else of another one of the workspace; the case of letters does
 * not count, for the Nest CLI does not keep it.
 */
export function findClass(project: Project, name: string, decorator: string): FoundClass | undefined {
  const { tree } = project;
  for (const path of projectRoots(project).flatMap((root) => [...sourcesBelow(tree, root)])) {
    const text = textOf(tree, path) ?? '';
    if (!text.includes(`@${decorator}`) || !text.toLowerCase().includes(name.toLowerCase())) continue;
    const found = new SourceEdit(path, text).source.statements
      .filter(ts.isClassDeclaration)
      .filter(isExportedByName)
      .find(
        (one) =>
          one.name?.text.toLowerCase() === name.toLowerCase() && decoratorCall(one, decorator) !== undefined,
      );
    if (found !== undefined)
      return { name: found.name!.text, path, declaration: found, ...basesOf(tree, path, found) };
  }
  return undefined;
}

function isExportedByName(node: ts.ClassDeclaration): boolean {
  const kinds = node.modifiers?.map(({ kind }) => kind) ?? [];
  return kinds.includes(ts.SyntaxKind.ExportKeyword) && !kinds.includes(ts.SyntaxKind.DefaultKeyword);
}

function basesOf(
  tree: Tree,
  path: string,
  declaration: ts.ClassDeclaration,
): Pick<FoundClass, 'bases' | 'unknownBase'> {
  const clause = declaration.heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword);
  const base = clause?.types[0]?.expression;
  if (base === undefined) return { bases: [], unknownBase: null };
  const source = declaration.getSourceFile();
  const from = importedFrom(source, base.getText(source));
  const file = from === undefined ? path : join(from.startsWith('.') ? folderOf(path) : '', from);
  const found = [file, `${file.replace(/\.js$/, '')}.ts`]
    .filter((candidate) => candidate.endsWith('.ts') && tree.exists(candidate))
    .flatMap((candidate) => {
      const { statements } = new SourceEdit(candidate, textOf(tree, candidate)!).source;
      const classes = statements.filter(ts.isClassDeclaration);
      return classes
        .filter((one) => one.name?.text === base.getText(source))
        .map((one) => ({ candidate, one }));
    })[0];
  if (found === undefined) return { bases: [], unknownBase: base.getText(source) };
  const { bases, unknownBase } = basesOf(tree, found.candidate, found.one);
  return { bases: [found.one, ...bases], unknownBase };
}

/** Whether the application has a handler yet: its inbox may be filled then, and knows the names of handlers. */
export function hasHandler({ tree, sourceRoot }: Project): boolean {
  return [...sourcesBelow(tree, sourceRoot)].some((path) => {
    const text = textOf(tree, path) ?? '';
    if (!text.includes('@IdempotentHandler(')) return false;
    return [...nodesOf(new SourceEdit(path, text).source)].some(
      (node) => ts.isMethodDeclaration(node) && decoratorCall(node, 'IdempotentHandler') !== undefined,
    );
  });
}

/** The nearest `*.module.ts`, from a folder upwards. */
export function nearestModule(tree: Tree, folder: string): string | undefined {
  const name = tree.getDir(folder).subfiles.find((file) => file.endsWith('.module.ts'));
  if (name !== undefined) return join(folder, name);
  return folder === '' ? undefined : nearestModule(tree, folderOf(folder));
}
