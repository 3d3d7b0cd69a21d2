/**
 * How a generated spec starts the module: as it is, or with what a test cannot read of it.
 * Says what is left to the user, where the module's own database stands in the way.
 */
import ts from 'typescript';
import type { FoundClass } from '../code/classes.js';
import { sampleOf } from '../code/fields.js';
import { callsOf, indented, SourceEdit } from '../code/source-edit.js';
import { type Project, searchedRoots } from '../project/project.js';
import { sourcesBelow, textOf } from '../project/tree.js';
import type { Place } from './registration.js';

/** `testExactlyOnce(AppModule)`, with the option that a computed database needs; `override` is another option's text. */
export function testCall(project: Project, { path, className }: Place, override = ''): string {
  const computed = callsIn(project, path, 'TypeOrmModule.forRootAsync').some(injects);
  const options = [override, ...(computed ? ['typeOrm: {}'] : [])].filter((one) => one !== '');
  return `testExactlyOnce(${className}${options.length === 0 ? '' : `, { ${options.join(', ')} }`})`;
}

/** What a spec has before its tests: an event, and the module started for each of them. */
export function testFrame(project: Project, module: Place, event: FoundClass): string {
  return `  const event = ${indented(sampleOf(event), '  ')};
  let app: TestApplication;

  beforeEach(async () => {
    app = await ${testCall(project, module)};
  }, 60_000);
  afterEach(() => app.close(), 60_000);`;
}

/** `null` where a test can start the module. */
export function testAdvice(project: Project, { path, className }: Place): string | null {
  if (callsIn(project, path, 'ExactlyOnceModule.forRoot').length === 0) return null;
  if (callsIn(project, path, 'TypeOrmModule.forRoot', 'TypeOrmModule.forRootAsync').length > 0) return null;
  const elsewhere = searchedRoots(project)
    .flatMap((root) => [...sourcesBelow(project.tree, root)])
    .find((one) => callsIn(project, one, 'TypeOrmModule.forRoot', 'TypeOrmModule.forRootAsync').length > 0);
  if (elsewhere === undefined) return null;
  return (
    `The spec starts ${className}, of which ${elsewhere} connects to the application's database, and a test refuses that. ` +
    'Put the new class into a domain module ("nest g module …", then generate there) and give testExactlyOnce that one.'
  );
}

function callsIn({ tree }: Project, path: string, ...callees: readonly string[]): ts.CallExpression[] {
  const text = textOf(tree, path) ?? '';
  if (!text.includes('.forRoot')) return [];
  const { source } = new SourceEdit(path, text);
  return callees.flatMap((callee) => callsOf(source, callee));
}

function injects({ arguments: [options] }: ts.CallExpression): boolean {
  return (
    options !== undefined &&
    ts.isObjectLiteralExpression(options) &&
    options.properties.some((one) =>
      ['inject', 'useClass', 'useExisting'].includes(one.name?.getText() ?? ''),
    )
  );
}
