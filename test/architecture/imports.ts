/**
 * What a file imports: declarations, re-exports, `import()` as a value and as a type, `import x = require()`.
 * Imports of types count like all others: a law that they escape is none.
 */
import { posix } from 'node:path';
import ts from 'typescript';
import { nodesOf, parse } from './rule.js';
import type { SourceFile } from './source-files.js';

/** The texts after `from`, as they stand. */
function importsOf(file: SourceFile): string[] {
  return [...nodesOf(parse(file))].flatMap((node) => {
    const from = importedFrom(node);
    return from !== undefined && ts.isStringLiteralLike(from) ? [from.text] : [];
  });
}

/** Of those, the packages: without relative ones and Node's own (`node:`, so a bare `fs` counts as a package). */
export function packagesOf(file: SourceFile): string[] {
  return importsOf(file).filter((name) => !/^(\.{1,2}(\/|$)|node:)/.test(name));
}

/** Of those, the files: relative ones, from the repository's root, as `.ts`. */
export function neighboursOf(file: SourceFile): string[] {
  return importsOf(file)
    .filter((name) => /^\.{1,2}(\/|$)/.test(name))
    .map((name) => posix.join(posix.dirname(file.path), name).replace(/\.([cm]?)js$/, '.$1ts'));
}

/** `@a/b/c` is of the package `@a/b`. */
export function packageName(name: string): string {
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
}

function importedFrom(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isExternalModuleReference(node)) return node.expression;
  if (ts.isImportTypeNode(node))
    return ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined;
  const isDynamic = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
  return isDynamic ? node.arguments[0] : undefined;
}
