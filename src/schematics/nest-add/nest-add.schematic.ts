/**
 * `nest add exactly-once`: packages, module import, strategy in main.ts, the script that makes the tables, and servers where
 * wished. Each step looks whether it was done: a second run changes nothing.
 */
import { connectStrategy, linesByHand, rootModuleOf } from '../code/bootstrap.js';
import { addImport, importedFrom } from '../code/imports.js';
import { addToModule } from '../code/module-metadata.js';
import { SourceEdit } from '../code/source-edit.js';
import { editFile } from '../code/write.js';
import { kebab } from '../project/names.js';
import { type Manifest, type PlaceOptions, type Project, readProject } from '../project/project.js';
import { type Context, folderOf, join, type Rule, textOf } from '../project/tree.js';
import { composeText } from './compose-text.js';
import { jestAdvice, patchEndToEndTests, withJestSettings } from './jest-config.js';
import { addPackages, type Choices, installTask, neededPackages } from './packages.js';
import { databaseUrl, exactlyOnceText, importsOfRootModule, typeOrmText } from './root-module-text.js';
import { type FoundRoot, rootsIn } from './roots.js';

interface NestAddOptions extends PlaceOptions, Partial<Choices> {
  readonly service?: string;
  readonly module?: string;
  readonly compose?: boolean;
  readonly skipInstall?: boolean;
}

const composePath = 'docker-compose.yml';

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

    const { logger } = context;
    const holding = await addRootModule(project, module, { choices, service, logger });
    await connectMain(project, main, context);
    const isMissing = addPackages(project, neededPackages(project, holding), (manifest) =>
      withJestSettings(
        holding.database === 'embedded' ? manifest : withMigrateScript(manifest, service),
        project,
      ),
    );
    patchEndToEndTests(project);
    if (options.compose === true) addCompose(project, holding, service, context);
    const advice = jestAdvice(project);
    if (advice !== null) logger.warn(advice);
    if (isMissing && !skipInstall) context.addTask(installTask);
    if (isMissing && skipInstall) logger.info('The packages are named in package.json; install them now.');
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

/** Unless the application has it; then says what stays as it is. Returns the choices that hold. */
async function addRootModule(
  project: Project,
  path: string,
  { choices, service, logger }: Wanted,
): Promise<Choices> {
  const { typeOrm, exactlyOnce: root } = rootsIn(project);
  if (root !== null) {
    tellUnchanged(root, { choices, service, logger });
    return { database: root.database, broker: root.broker };
  }
  if (typeOrm !== null && !typeOrm.startsWith(`${project.sourceRoot}/`))
    logger.warn(`${typeOrm} configures the database: import its module in ${path}, where it is not yet.`);
  await editFile(project.tree, path, (edit) => {
    addToModule(
      edit,
      'imports',
      ...(typeOrm === null ? [typeOrmText(choices, service)] : []),
      exactlyOnceText(choices, service),
    );
    for (const [names, from] of importsOfRootModule(choices, typeOrm !== null)) addImport(edit, names, from);
  });
  return choices;
}

interface Wanted {
  readonly choices: Choices;
  readonly service: string;
  readonly logger: Context['logger'];
}

function tellUnchanged(root: FoundRoot, { choices, service, logger }: Wanted): void {
  const asked = { ...choices, service };
  const others = (['database', 'broker', 'service'] as const).filter(
    (name) => root[name] !== null && root[name] !== asked[name],
  );
  if (others.length === 0) return;
  const list = (from: Record<string, string | null>) =>
    others.map((name) => `${name} ${from[name]}`).join(', ');
  logger.warn(
    `${root.path} has ExactlyOnceModule.forRoot, with ${list({ ...root })}: it stays as it is, and no package is added for ` +
      `${list(asked)}. Change it by hand.`,
  );
}

async function connectMain({ tree }: Project, main: string, { logger }: Context): Promise<void> {
  const isDone = tree.exists(main) && (await editFile(tree, main, connectStrategy));
  if (isDone) return;
  logger.warn(
    `${main} has no "const app = await NestFactory.create(…)" that listens. Add there:\n  ${linesByHand('app').join('\n  ')}`,
  );
}

/** On the database that the application takes: DATABASE_URL, else that of development. */
function withMigrateScript(manifest: Manifest, service: string): Manifest {
  const has = Object.values(manifest.scripts ?? {}).some((script) => script.includes('exactly-once migrate'));
  const script = { 'migrate:exactly-once': `exactly-once migrate --default-url ${databaseUrl(service)}` };
  return has ? manifest : { ...manifest, scripts: { ...manifest.scripts, ...script } };
}

function addCompose({ tree }: Project, choices: Choices, service: string, { logger }: Context): void {
  const text = composeText(choices, service);
  if (text === '') logger.info('Nothing that was chosen is a server, so there is no docker-compose.yml.');
  else if (tree.exists(composePath)) logger.info(`${composePath} is there already, and stays as it is.`);
  else tree.create(composePath, text);
}
