/**
 * A folder outside of the repository in which the packed packages are installed as a user has them: unpacked from
 * their tarballs, and with nothing in reach but what they declare. No registry is asked.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface PackedPackage {
  readonly name: string;
  /** Its folder in the repository. */
  readonly source: string;
  /** Where it was unpacked to. */
  readonly folder: string;
  readonly tarball: string;
  /** What the tarball holds, as npm lists it. */
  readonly files: readonly string[];
}

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export class Outside {
  readonly folder = mkdtempSync(join(tmpdir(), 'outside-'));
  readonly packages: PackedPackage[] = [];

  /** Packs and installs every lib that is published, and the tool. */
  static async of(...sources: string[]): Promise<Outside> {
    const outside = new Outside();
    for (const source of sources) outside.packages.push(await outside.#install(source));
    return outside;
  }

  /** Runs a program there; its standard output. Rejects where it does not exit with 0. */
  async run(program: string, ...words: string[]): Promise<string> {
    const { stdout } = await run(process.execPath, [program, ...words], {
      cwd: this.folder,
      timeout: 60_000,
    });
    return stdout;
  }

  /** Puts a package of the repository into reach of the folder's own programs. */
  provide(name: string): void {
    link(resolve('node_modules', name), join(this.folder, 'node_modules', name));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #install(source: string): Promise<PackedPackage> {
    const { tarball, manifest, files } = await pack(source, this.folder);
    const folder = join(this.folder, 'node_modules', manifest.name);
    mkdirSync(folder, { recursive: true });
    await run('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1']);
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
      if (!name.startsWith('@exactly-once/'))
        link(installed(source, name), join(folder, 'node_modules', name));
    }
    return { name: manifest.name, source, folder, tarball, files };
  }
}

export interface Tarball {
  readonly manifest: Manifest;
  readonly tarball: string;
  /** As npm lists them. */
  readonly files: readonly string[];
  readonly packedBytes: number;
  readonly unpackedBytes: number;
}

/** Packs what was built, as npm would publish it. */
export async function pack(source: string, destination: string): Promise<Tarball> {
  const words = ['pack', '--json', '--ignore-scripts', '--pack-destination', destination];
  const { stdout } = await run('npm', [...words, resolve(source)]);
  const [{ filename, files, size, unpackedSize }] = JSON.parse(stdout) as [Packed];
  return {
    manifest: manifestOf(source),
    tarball: join(destination, filename),
    files: files.map(({ path }) => path),
    packedBytes: size,
    unpackedBytes: unpackedSize,
  };
}

/** What `npm pack --json` says. */
interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
  readonly size: number;
  readonly unpackedSize: number;
}

/** The folders of the libs that have something to publish. */
export function publishedLibs(): string[] {
  return readdirSync('libs')
    .map((name) => `libs/${name}`)
    .filter((folder) => existsSync(join(folder, 'src/index.ts')));
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

function installed(source: string, name: string): string {
  const nested = resolve(source, 'node_modules', name);
  return existsSync(nested) ? nested : resolve('node_modules', name);
}

function link(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  if (!existsSync(to)) symlinkSync(from, to);
}
