/**
 * What a generator has to know of the user's project: where its sources stand, which Nest it has, whether it is made of
 * ES modules, and what runs its tests. Found in package.json and nest-cli.json.
 *
 * Refuses what is no Nest project, before anything is written.
 */
import { folderOf, join, jsonOf, type Tree } from './tree.js';

export interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly type?: string;
  readonly scripts?: Record<string, string>;
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
  readonly jest?: Record<string, unknown>;
}

interface NestProject {
  readonly type?: string;
  readonly root?: string;
  readonly sourceRoot?: string;
  readonly entryFile?: string;
}

export interface NestConfig extends NestProject {
  readonly monorepo?: boolean;
  readonly compilerOptions?: {
    readonly builder?: string | { readonly type?: string };
    /** As Nest 11 says it. */
    readonly webpack?: boolean;
  };
  readonly projects?: Record<string, NestProject & object>;
}

/** As the Nest CLI hands them over. */
export interface PlaceOptions {
  readonly project?: string;
  readonly sourceRoot?: string;
  readonly path?: string;
}

export interface Project {
  readonly tree: Tree;
  /** From the workspace's root. */
  readonly sourceRoot: string;
  /** The package.json that speaks for it. */
  readonly manifestPath: string;
  readonly manifest: Manifest;
  readonly config: NestConfig;
  readonly nestMajor: number;
  readonly isEsm: boolean;
  readonly testRunner: 'jest' | 'vitest' | null;
  /** Name of the application, in kebab-case. */
  readonly name: string;
}

export const nestConfigPath = 'nest-cli.json';
const testedMajors = [11, 12];
/** The lower ends of the packages' peer ranges. */
export const lowestNest: Readonly<Record<number, string>> = { 11: '11.1.6', 12: '12.0.0' };

export function readProject(tree: Tree, options: PlaceOptions): Project {
  const config = jsonOf<NestConfig>(tree, nestConfigPath) ?? {};
  const sourceRoot = join(options.sourceRoot ?? sourceRootOf(config, options.project));
  const manifestPath = nearestManifest(tree, sourceRoot);
  const manifest = jsonOf<Manifest>(tree, manifestPath)!;
  const spec =
    dependency(manifest, '@nestjs/core') ??
    dependency(jsonOf<Manifest>(tree, 'package.json') ?? {}, '@nestjs/core');
  if (spec === undefined) {
    throw new Error(
      `${manifestPath} does not name @nestjs/core: this is no Nest project. Run it where the application's ` +
        'package.json stands; "npx @nestjs/cli new" makes one. Nothing was changed.',
    );
  }
  return {
    ...{ tree, sourceRoot, manifestPath, manifest, config },
    nestMajor: majorOf(tree, spec),
    isEsm: manifest.type === 'module',
    testRunner: runnerOf(manifest),
    name: options.project ?? nameOf(config, sourceRoot) ?? (manifest.name ?? 'app').replace(/^@[^/]+\//, ''),
  };
}

/** The version or range of a package that a manifest names anywhere. */
export function dependency(manifest: Manifest, name: string): string | undefined {
  return (
    manifest.dependencies?.[name] ?? manifest.devDependencies?.[name] ?? manifest.peerDependencies?.[name]
  );
}

/** How a file of the project imports another: with `.js` in ES modules. */
export function importPath({ isEsm }: Pick<Project, 'isEsm'>, from: string, to: string): string {
  const [source, target] = [folderOf(from).split('/'), to.replace(/\.ts$/, '').split('/')];
  if (source[0] === '') source.shift();
  let shared = 0;
  while (shared < source.length && source[shared] === target[shared]) shared++;
  const up = source.length - shared;
  const steps = [...(up === 0 ? ['.'] : Array.from({ length: up }, () => '..')), ...target.slice(shared)];
  return `${steps.join('/')}${isEsm ? '.js' : ''}`;
}

/** Where classes are looked for: the project's own sources first, then libraries, then other applications. */
export function projectRoots(project: Pick<Project, 'sourceRoot' | 'config'>): string[] {
  const roots = Object.values(project.config.projects ?? {}).map(rootOf);
  return [...new Set([...searchedRoots(project), ...roots.filter((root) => root !== '')])];
}

/** Where the application's own configuration may stand: its sources and the libraries of the workspace. */
export function searchedRoots({ sourceRoot, config }: Pick<Project, 'sourceRoot' | 'config'>): string[] {
  const libraries = Object.values(config.projects ?? {}).filter((one) => one.type === 'library');
  return [...new Set([sourceRoot, ...libraries.map(rootOf).filter((root) => root !== '')])];
}

function rootOf({ sourceRoot, root = '' }: NestProject): string {
  return join(sourceRoot ?? (root === '' ? '' : join(root, 'src')));
}

function sourceRootOf(config: NestConfig, project: string | undefined): string {
  if (project === undefined) return config.sourceRoot ?? 'src';
  const found = config.projects?.[project];
  if (found !== undefined) return found.sourceRoot ?? join(found.root ?? '', 'src');
  const names = Object.keys(config.projects ?? {});
  const known = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`;
  throw new Error(`${nestConfigPath} has no project "${project}": ${known}. Nothing was changed.`);
}

function nameOf({ projects = {} }: NestConfig, sourceRoot: string): string | undefined {
  return Object.keys(projects).find((name) => join(projects[name]?.sourceRoot ?? '') === sourceRoot);
}

function nearestManifest(tree: Tree, folder: string): string {
  const path = join(folder, 'package.json');
  if (tree.exists(path)) return path;
  if (folder !== '') return nearestManifest(tree, folderOf(folder));
  throw new Error('There is no package.json here: this is no Nest project. Nothing was changed.');
}

function majorOf(tree: Tree, spec: string): number {
  const installed = jsonOf<Manifest>(tree, 'node_modules/@nestjs/core/package.json')?.version;
  const major = Number(/\d+/.exec(/\d/.test(spec) ? spec : (installed ?? ''))?.[0] ?? testedMajors.at(-1));
  if (!testedMajors.includes(major)) {
    throw new Error(
      `This project has Nest ${major}; Exactly Once is for ${testedMajors.join(' and ')}. Nothing was changed.`,
    );
  }
  const exact = installed ?? (/^[\d.]+$/.test(spec) ? spec : '');
  const lowest = lowestNest[major]!;
  if (exact === '' || !isBelow(exact, lowest)) return major;
  throw new Error(
    `This project has Nest ${exact}; Exactly Once needs ${lowest} or later. Update @nestjs/core, @nestjs/common and the ` +
      `others of its release first (npm install @nestjs/core@^${lowest} …). Nothing was changed.`,
  );
}

function isBelow(version: string, lowest: string): boolean {
  const [own, least] = [version, lowest].map((one) => one.replace(/-.*/, '').split('.').map(Number));
  const at = least!.findIndex((part, index) => part !== (own![index] ?? 0));
  return at !== -1 && (own![at] ?? 0) < least![at]!;
}

function runnerOf(manifest: Manifest): Project['testRunner'] {
  if (dependency(manifest, 'vitest') !== undefined) return 'vitest';
  return dependency(manifest, 'jest') === undefined ? null : 'jest';
}
