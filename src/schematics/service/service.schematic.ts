/**
 * `nest g -c exactly-once service payments`: a whole microservice in a Nest monorepo, in `apps/<name>`.
 * Refuses a workspace that is none yet, rather than move an application that somebody works on.
 */
import { createFile } from '../code/write.js';
import { jestAdvice, withJestSettings } from '../nest-add/jest-config.js';
import { addPackages, type Choices, installTask, neededPackages } from '../nest-add/packages.js';
import { readName } from '../project/names.js';
import { type NestConfig, nestConfigPath, type Project, readProject } from '../project/project.js';
import { type Context, join, jsonOf, type Rule, type Tree, writeJson } from '../project/tree.js';
import { dockerIgnoreText } from './image-text.js';
import { serviceFiles } from './service-text.js';

interface ServiceOptions extends Partial<Choices> {
  readonly name?: string;
  readonly port?: number;
  readonly skipInstall?: boolean;
}

const dockerIgnorePath = '.dockerignore';
/** There where the installed Nest 11 knows `useProcessExit`; a later 11 than our lowest. */
const shutdownOptions = 'node_modules/@nestjs/common/interfaces/shutdown-hooks-options.interface.d.ts';

export function service(options: ServiceOptions): Rule {
  const { database = 'postgres', broker = 'kafka', port = 3000, skipInstall = false } = options;
  return async (tree, context) => {
    const project = readProject(tree, { sourceRoot: '' });
    const name = readServiceName(options.name);
    checkWorkspace(project.config, name);
    const choices = { database, broker };
    const hasProcessExit = project.nestMajor > 11 || tree.exists(shutdownOptions);
    const files = serviceFiles(project, { ...choices, name, port, hasProcessExit, nowMs: Date.now() });
    for (const [path, text] of Object.entries(files)) await createFile(tree, join('apps', name, path), text);
    addProject(tree, project.config, name);
    if (project.nestMajor > 11) addReference(tree, name);
    if (!tree.exists(dockerIgnorePath)) tree.create(dockerIgnorePath, dockerIgnoreText);
    if (needPackages(project, choices, context) && !skipInstall) context.addTask(installTask);
  };
}

function readServiceName(given: string | undefined): string {
  const { folder, name } = readName(given, { what: 'service', example: 'payments' });
  if (folder === '') return name;
  throw new Error(`"${given}": a service has no folder in front, its place is apps/. Nothing was changed.`);
}

function checkWorkspace({ monorepo, projects }: NestConfig, name: string): void {
  if (monorepo !== true) {
    throw new Error(
      `${nestConfigPath} does not say "monorepo": true. "nest g app ${name}" makes a monorepo of this ` +
        'application; for one application alone there is "nest add exactly-once". Nothing was changed.',
    );
  }
  if (projects?.[name] !== undefined) {
    throw new Error(`${nestConfigPath} has a project "${name}" already. Nothing was changed.`);
  }
}

/** Returns whether something is to be installed. */
function needPackages(project: Project, choices: Choices, { logger }: Context): boolean {
  const { dependencies, devDependencies } = neededPackages(project, choices);
  const terminus = { '@nestjs/terminus': `^${project.nestMajor}.0.0` };
  const needed = { dependencies: { ...dependencies, ...terminus }, devDependencies };
  const advice = jestAdvice(project);
  if (advice !== null) logger.warn(advice);
  return addPackages(project, needed, (manifest) => withJestSettings(manifest, project));
}

function addProject(tree: Tree, config: NestConfig, name: string): void {
  const root = join('apps', name);
  const project = {
    type: 'application',
    root,
    entryFile: 'main',
    sourceRoot: join(root, 'src'),
    compilerOptions: { tsConfigPath: join(root, 'tsconfig.app.json') },
  };
  writeJson(tree, nestConfigPath, { ...config, projects: { ...config.projects, [name]: project } });
}

/** As Nest 12's own generator lists the applications of a workspace. */
function addReference(tree: Tree, name: string): void {
  const config = jsonOf<{ references?: { path: string }[] }>(tree, 'tsconfig.json');
  if (config === null) return;
  const path = `./apps/${name}/tsconfig.app.json`;
  const { references = [] } = config;
  if (references.some((one) => one.path === path)) return;
  writeJson(tree, 'tsconfig.json', { ...config, references: [...references, { path }] });
}
