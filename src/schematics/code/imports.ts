/**
 * Import declarations: one more name in that of the same module, or one more declaration behind the last. A name that is
 * there already is not imported again.
 */
import ts from 'typescript';
import { folderOf, join } from '../project/tree.js';
import type { SourceEdit } from './source-edit.js';

/** Throws where the file calls something else by one of the names. */
export function addImport(edit: SourceEdit, names: readonly string[], from: string): void {
  const declarations = edit.source.statements.filter(ts.isImportDeclaration);
  for (const name of names) checkFree(edit, name, from);
  const missing = names.filter((name) => !declarations.some((one) => importsOf(one).has(name)));
  if (missing.length === 0) return;
  const elements = declarations
    .filter(({ moduleSpecifier }) => (moduleSpecifier as ts.StringLiteral).text === from)
    .map(namedOf)
    .find((named) => named !== undefined && named.elements.length > 0)?.elements;
  if (elements !== undefined) {
    edit.insert(elements.at(-1)!.end, missing.map((name) => `, ${name}`).join(''));
    return;
  }
  const last = declarations.at(-1);
  const quote = last?.moduleSpecifier.getText(edit.source)[0] ?? "'";
  const line = `import { ${missing.join(', ')} } from ${quote}${from}${quote};`;
  const packages = declarations.filter(
    ({ moduleSpecifier }) => !isOwn((moduleSpecifier as ts.StringLiteral).text),
  );
  const before = isOwn(from) ? last : packages.at(-1);
  if (before !== undefined) edit.insert(before.end, `\n${line}`);
  else if (last !== undefined) edit.insert(declarations[0]!.getStart(edit.source), `${line}\n`);
  else edit.insert(0, `${line}\n\n`);
}

function checkFree({ path, source }: SourceEdit, name: string, from: string): void {
  const other = importedFrom(source, name);
  const isDeclared = source.statements.some((one) => ts.isClassDeclaration(one) && one.name?.text === name);
  if (!isDeclared && (other === undefined || isSame(path, other, from))) return;
  const what = isDeclared ? `declares a ${name} itself` : `has a ${name} already, of '${other}'`;
  throw new Error(
    `${path} ${what}; this one is of '${from}', and the name is taken. Nothing was changed. Choose another name, or ` +
      'generate with --skip-import and register it by hand, as something else.',
  );
}

/** Two specifiers of one file; one from the base of the project may stand for a relative one. */
function isSame(path: string, one: string, other: string): boolean {
  if (one === other) return true;
  const [a, b] = [one, other].map((from) =>
    (isOwn(from) ? join(folderOf(path), from) : from).replace(/\.(js|ts)$/, '').replace(/\/index$/, ''),
  ) as [string, string];
  return isOwn(other) && (a === b || (!isOwn(one) && b.endsWith(`/${a}`)));
}

/** A file of the project, not a package. */
function isOwn(from: string): boolean {
  return from.startsWith('.');
}

/** The module that a name of the file was imported from. */
export function importedFrom(source: ts.SourceFile, name: string): string | undefined {
  const found = source.statements.filter(ts.isImportDeclaration).find((one) => importsOf(one).has(name));
  return found === undefined ? undefined : (found.moduleSpecifier as ts.StringLiteral).text;
}

/** Names of values and of types that stand for values, as the file calls them. */
function importsOf(declaration: ts.ImportDeclaration): Set<string> {
  const { name } = declaration.importClause ?? {};
  const named = namedOf(declaration)?.elements ?? [];
  return new Set([...(name === undefined ? [] : [name.text]), ...named.map((element) => element.name.text)]);
}

function namedOf(declaration: ts.ImportDeclaration): ts.NamedImports | undefined {
  const clause = declaration.importClause;
  const bindings = clause?.isTypeOnly ? undefined : clause?.namedBindings;
  return bindings !== undefined && ts.isNamedImports(bindings) ? bindings : undefined;
}
