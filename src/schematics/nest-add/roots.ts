/**
 * What the application configures already, wherever in its sources or in a library of its workspace that stands: its
 * database, and the framework with the choices that were made then.
 *
 * Refuses a database that is no PostgreSQL; edits nothing.
 */
import ts from 'typescript';
import { callsOf, SourceEdit } from '../code/source-edit.js';
import { type Project, searchedRoots } from '../project/project.js';
import { sourcesBelow, textOf } from '../project/tree.js';
import type { Choices } from './packages.js';

export interface Roots {
  /** The file that configures TypeOrmModule. */
  readonly typeOrm: string | null;
  readonly exactlyOnce: FoundRoot | null;
}

export interface FoundRoot extends Choices {
  readonly path: string;
  /** `null` where it is computed. */
  readonly service: string | null;
}

export function rootsIn(project: Project): Roots {
  const { tree } = project;
  const sources = searchedRoots(project)
    .flatMap((root) => [...sourcesBelow(tree, root)])
    .map((path) => ({ path, text: textOf(tree, path) ?? '' }))
    .filter(({ text }) => text.includes('.forRoot'))
    .map(({ path, text }) => new SourceEdit(path, text));
  const databases = sources.filter(({ source }) => callsIn(source, 'TypeOrmModule').length > 0);
  for (const { path, source } of databases) refuseOthers(path, source);
  const root = sources.find(({ source }) => callsIn(source, 'ExactlyOnceModule').length > 0);
  const isEmbedded = databases.some(({ source }) => callsOf(source, 'embeddedPostgres').length > 0);
  return {
    typeOrm: databases[0]?.path ?? null,
    exactlyOnce:
      root === undefined
        ? null
        : {
            path: root.path,
            database: isEmbedded ? 'embedded' : 'postgres',
            broker: callsOf(root.source, 'kafkaBroker').length > 0 ? 'kafka' : 'database',
            service: textIn(callsIn(root.source, 'ExactlyOnceModule')[0]!, 'service') ?? null,
          },
  };
}

function callsIn(source: ts.SourceFile, module: string): ts.CallExpression[] {
  return [`${module}.forRoot`, `${module}.forRootAsync`].flatMap((callee) => callsOf(source, callee));
}

function refuseOthers(path: string, source: ts.SourceFile): void {
  const types = callsIn(source, 'TypeOrmModule').map((call) => textIn(call, 'type'));
  const other = types.find((type) => type !== undefined && type !== 'postgres');
  if (other === undefined) return;
  throw new Error(
    `${path} connects to ${other}; Exactly Once stores in PostgreSQL only. Nothing was changed.`,
  );
}

/** An option's text, where it is written out. */
function textIn({ arguments: [options] }: ts.CallExpression, name: string): string | undefined {
  if (options === undefined || !ts.isObjectLiteralExpression(options)) return undefined;
  const found = options.properties.find((one) => ts.isPropertyAssignment(one) && one.name.getText() === name);
  const value = found === undefined ? undefined : (found as ts.PropertyAssignment).initializer;
  return value !== undefined && ts.isStringLiteralLike(value) ? value.text : undefined;
}
