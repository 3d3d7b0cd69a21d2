/**
 * Projects as the Nest CLI makes them, and what generators make of them. The generators run in another process, one for a
 * spec file; a project is a table of its files.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { resolve } from 'node:path';

export type Files = Readonly<Record<string, string>>;
export type Run = readonly [schematic: string, options: object];

export interface GeneratorRequest {
  readonly id: number;
  readonly files: Files;
  readonly runs: readonly Run[];
}

export interface Generated {
  readonly files: Files;
  /** What was told to the user. */
  readonly said: readonly string[];
  readonly tasks: readonly string[];
  /** `null` where all went well; else nothing was written. */
  readonly error: string | null;
}

interface Answer {
  readonly id: number;
  readonly generated: Generated;
}

export class Generator {
  readonly #process: ChildProcess;
  #requests = 0;

  constructor() {
    const entry = resolve('dist-test/test/schematics/generator.entry.js');
    this.#process = fork(entry, { execArgv: [], env: { ...process.env, NODE_OPTIONS: '' } });
    this.#process.setMaxListeners(0);
  }

  run(files: Files, ...runs: readonly Run[]): Promise<Generated> {
    const id = ++this.#requests;
    return new Promise((resolve, reject) => {
      const hear = (answer: Answer) => {
        if (answer.id !== id) return;
        this.#process.off('message', hear);
        resolve(answer.generated);
      };
      this.#process.on('message', hear);
      this.#process.once('exit', (code) => reject(new Error(`the generators' process ended with ${code}`)));
      this.#process.send({ id, files, runs } satisfies GeneratorRequest);
    });
  }

  end(): void {
    this.#process.disconnect();
  }
}

const nestCli = JSON.stringify({ collection: '@nestjs/schematics', sourceRoot: 'src' });
const jest = {
  rootDir: 'src',
  testRegex: '.*\\.spec\\.ts$',
  transform: { '^.+\\.(t|j)s$': 'ts-jest' },
  testEnvironment: 'node',
};

/** As `nest new` makes it, by Nest 11 with CommonJS and jest, by Nest 12 with ES modules and vitest. */
export function newApplication(nest: 11 | 12, more: object = {}): Files {
  const suffix = nest === 12 ? '.js' : '';
  const manifest = {
    name: 'shop',
    ...(nest === 12 ? { type: 'module' } : { jest }),
    scripts: { build: 'nest build' },
    dependencies: {
      '@nestjs/common': `^${nest}.0.1`,
      '@nestjs/core': `^${nest}.0.1`,
      'reflect-metadata': '^0.2.2',
    },
    devDependencies: { [nest === 12 ? 'vitest' : 'jest']: '^4.1.2', typescript: '^5.7.3' },
    ...more,
  };
  return {
    'package.json': `${JSON.stringify(manifest, null, 2)}\n`,
    'nest-cli.json': nestCli,
    'tsconfig.json': '{ "compilerOptions": { "module": "nodenext", "moduleResolution": "nodenext" } }',
    'src/app.controller.ts':
      "import { Controller } from '@nestjs/common';\n\n@Controller()\nexport class AppController {}\n",
    'src/app.module.ts': `import { Module } from '@nestjs/common';
import { AppController } from './app.controller${suffix}';

@Module({
  imports: [],
  controllers: [AppController],
})
export class AppModule {}
`,
    'src/main.ts': `import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module${suffix}';

async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  await app.listen(process.env.PORT ?? 3000);
}
${nest === 12 ? 'await ' : ''}bootstrap();
`,
  };
}

/** Of `nest g app`: the application stands in `apps/shop`, beside another. */
export function monorepo(nest: 11 | 12): Files {
  const { 'nest-cli.json': _, ...files } = newApplication(nest);
  const moved = Object.entries(files).map(
    ([path, text]) => [path.replace(/^src\//, 'apps/shop/src/'), text] as const,
  );
  const projects = { shop: { type: 'application', root: 'apps/shop', sourceRoot: 'apps/shop/src' } };
  const config = {
    sourceRoot: 'apps/shop/src',
    monorepo: true,
    root: 'apps/shop',
    compilerOptions: nest === 11 ? { webpack: true } : { builder: 'tsc' },
    projects,
  };
  return { ...Object.fromEntries(moved), 'nest-cli.json': JSON.stringify(config, null, 2) };
}

/** A domain module, as `nest g module payments` makes it. */
export const paymentsModule: Files = {
  'src/payments/payments.module.ts': `import { Module } from '@nestjs/common';

@Module({})
export class PaymentsModule {}
`,
};

/** Files that a run has made or changed, in order. */
export function changed({ files }: Generated, before: Files): string[] {
  return Object.keys(files)
    .filter((path) => files[path] !== before[path])
    .sort();
}
