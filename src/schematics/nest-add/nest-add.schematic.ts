/**
 * `nest add exactly-once`: packages, module import, strategy in main.ts, the script that makes the tables, and servers where
 * wished. Each step looks whether it was done: a second run changes nothing.
 */
import ts from 'typescript';

import { connectStrategy, linesByHand, rootModuleOf } from '../code/bootstrap.js';
import { addImport, importedFrom } from '../code/imports.js';
import { addToModule } from '../code/module-metadata.js';
import { callsOf, SourceEdit } from '../code/source-edit.js';
import { editFile } from '../code/write.js';
import { kebab } from '../project/names.js';
import { type Manifest, type PlaceOptions, type Project, readProject } from '../project/project.js';
import { type Context, folderOf, join, type Rule, sourcesBelow, textOf } from '../project/tree.js';
import { composeText } from './compose-text.js';
import { jestAdvice, withJestSettings } from './jest-config.js';
import { addPackages, type Choices, installTask, neededPackages } from './packages.js';
import { exactlyOnceText, importsOfRootModule, typeOrmText } from './root-module-text.js';

interface NestAddOptions extends PlaceOptions, Partial<Choices> {
  readonly service?: string;
  readonly module?: string;
  readonly compose?: boolean;
  readonly skipInstall?: boolean;
}

const composePath = 'docker-compose.yml';
const migrateScript = { 'migrate:exactly-once': 'exactly-once migrate' };

export function nestAdd(options: NestAddOptions): Rule {
  const { database = 'postgres', broker = 'database', skipInstall = false } = options;
  const choices: Choices = { database, broker };
  return async (tree, context) => {
    const project = readProject(tree, options);
    const service = kebab(options.service ?? project.name);
    if (!/^[a-z][a-z\d.-]*$/.test(service)) {
      throw new Error(
        `--service is "${service}": letters, digits, dots and dashes, a letter first. Nothing was changed.`,
      );
    }
    const main = join(project.sourceRoot, project.config.entryFile ?? 'main').replace(/(\.ts)?$/, '.ts');
    const module = rootModulePath(project, main, options.module);

    await addRootModule(project, module, choices, service);
    await connectMain(project, main, context);
    const isMissing = addPackages(project, neededPackages(project, choices), (manifest) =>
      withJestSettings(withMigrateScript(manifest), project),
    );
    if (options.compose === true) addCompose(project, choices, service, context);
    const advice = jestAdvice(project);
    if (advice !== null) context.logger.warn(advice);
    if (isMissing && !skipInstall) context.addTask(installTask);
    if (isMissing && skipInstall)
      context.logger.info('The packages are named in package.json; install them now.');
  };
}

/** The file of the class that main.ts starts. */
function rootModulePath({ tree, sourceRoot }: Project, main: string, given: string | undefined): string {
  if (given !== undefined) {
    const found = [given, join(sourceRoot, given)]
      .map((path) => join(path))
      .find((path) => tree.exists(path));
    if (found !== undefined) return found;
    throw new Error(`There is no ${given}, which --module names. Nothing was changed.`);
  }
  const text = textOf(tree, main);
  if (text === null)
    throw new Error(
      `There is no ${main}, so no root module is known: name it by --module. Nothing was changed.`,
    );
  const { source } = new SourceEdit(main, text);
  const name = rootModuleOf(source);
  const from = name === undefined ? undefined : importedFrom(source, name);
  const places = from === undefined ? [] : from.startsWith('.') ? [folderOf(main)] : ['', sourceRoot];
  const path = places
    .map((place) => join(place, from!).replace(/(\.js)?$/, '.ts'))
    .find((candidate) => tree.exists(candidate));
  if (path !== undefined) return path;
  throw new Error(
    `${main} does not show which module it starts: name its file by --module. Nothing was changed.`,
  );
}

async function addRootModule(
  project: Project,
  path: string,
  choices: Choices,
  service: string,
): Promise<void> {
  const roots = rootsIn(project);
  if (roots.exactlyOnce) return;
  await editFile(project.tree, path, (edit) => {
    addToModule(
      edit,
      'imports',
      ...(roots.typeOrm ? [] : [typeOrmText(choices, service)]),
      exactlyOnceText(choices, service),
    );
    for (const [names, from] of importsOfRootModule(choices, roots.typeOrm)) addImport(edit, names, from);
  });
}

/** What the application's sources configure already, wherever that stands. Refuses a database that is no PostgreSQL. */
function rootsIn({ tree, sourceRoot }: Project): { typeOrm: boolean; exactlyOnce: boolean } {
  const found = { typeOrm: false, exactlyOnce: false };
  for (const path of sourcesBelow(tree, sourceRoot)) {
    const text = textOf(tree, path) ?? '';
    if (!text.includes('.forRoot')) continue;
    const { source } = new SourceEdit(path, text);
    const calls = (module: string) =>
      [`${module}.forRoot`, `${module}.forRootAsync`].flatMap((callee) => callsOf(source, callee));
    const databases = calls('TypeOrmModule');
    const other = databases.map(typeOf).find((type) => type !== undefined && type !== 'postgres');
    if (other !== undefined) {
      const what = `${path} connects to ${other}; Exactly Once stores in PostgreSQL only.`;
      throw new Error(`${what} Nothing was changed.`);
    }
    found.typeOrm ||= databases.length > 0;
    found.exactlyOnce ||= calls('ExactlyOnceModule').length > 0;
  }
  return found;
}

/** The `type` of a DataSource's options, where it is written out. */
function typeOf({ arguments: [options] }: ts.CallExpression): string | undefined {
  if (options === undefined || !ts.isObjectLiteralExpression(options)) return undefined;
  const type = options.properties.find(
    (one) => ts.isPropertyAssignment(one) && one.name.getText() === 'type',
  );
  const value = type === undefined ? undefined : (type as ts.PropertyAssignment).initializer;
  return value !== undefined && ts.isStringLiteralLike(value) ? value.text : undefined;
}

async function connectMain({ tree }: Project, main: string, { logger }: Context): Promise<void> {
  const isDone = tree.exists(main) && (await editFile(tree, main, connectStrategy));
  if (isDone) return;
  logger.warn(
    `${main} has no "const app = await NestFactory.create(…)" that listens. Add there:\n  ${linesByHand('app').join('\n  ')}`,
  );
}

function withMigrateScript(manifest: Manifest): Manifest {
  const has = Object.values(manifest.scripts ?? {}).some((script) => script.includes('exactly-once migrate'));
  return has ? manifest : { ...manifest, scripts: { ...manifest.scripts, ...migrateScript } };
}

function addCompose({ tree }: Project, choices: Choices, service: string, { logger }: Context): void {
  const text = composeText(choices, service);
  if (text === '') logger.info('Nothing that was chosen is a server, so there is no docker-compose.yml.');
  else if (tree.exists(composePath)) logger.info(`${composePath} is there already, and stays as it is.`);
  else tree.create(composePath, text);
}
