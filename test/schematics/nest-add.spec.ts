import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Files, Generator, monorepo, newApplication } from './generated.js';

let generator: Generator;

beforeAll(() => {
  generator = new Generator();
});
afterAll(() => generator.end());

const manifestOf = (files: Files) =>
  JSON.parse(files['package.json']!) as Record<string, Record<string, unknown>>;
const add = (files: Files, options: object = {}) => generator.run(files, ['nest-add', options]);

const tooOld = new RegExp(
  `needs ${manifestOf({ 'package.json': readFileSync('libs/nestjs/package.json', 'utf8') })
    ['peerDependencies']!['@nestjs/core']!.toString()
    .replace(/^\^(\S+).*/, '$1')} or later.*Nothing was changed`,
);

describe('nest add exactly-once', () => {
  it.each([11, 12] as const)('connects the strategy and imports the module, on Nest %d', async (nest) => {
    const { files, error, tasks } = await add(newApplication(nest), { broker: 'kafka' });

    expect(error).toBeNull();
    expect(files['src/main.ts']).toContain(`const app = await NestFactory.create(AppModule);
  app.connectMicroservice(exactlyOnce(), { inheritAppConfig: true });
  app.enableShutdownHooks();
  await app.startAllMicroservices();
  await app.listen(process.env.PORT ?? 3000);`);
    expect(files['src/app.module.ts']).toMatch(
      /imports: \[\n {4}TypeOrmModule\.forRoot\(\{[\s\S]*ExactlyOnceModule\.forRoot\(\{/,
    );
    expect(files['src/app.module.ts']).toContain("service: 'shop'");
    expect(tasks).toEqual(['node-package']);
  });

  it.each([11, 12] as const)('changes nothing when it is run again, on Nest %d', async (nest) => {
    const options = { broker: 'kafka', compose: true };
    const once = await add(newApplication(nest), options);

    const twice = await generator.run(newApplication(nest), ['nest-add', options], ['nest-add', options]);
    const withOthers = await generator.run(once.files, [
      'nest-add',
      { database: 'embedded', service: 'other' },
    ]);

    expect(twice.files).toEqual(once.files);
    expect(twice.tasks).toEqual([]); // of the second run
    expect(withOthers.files['src/app.module.ts']).toBe(once.files['src/app.module.ts']);
  });

  it('names the packages at the ranges that the libs are tested with, and leaves what is there', async () => {
    const { files } = await add(
      newApplication(11, { dependencies: { '@nestjs/core': '^11.1.0', typeorm: '^0.3.20' } }),
      {
        broker: 'kafka',
      },
    );

    const { dependencies, devDependencies, scripts } = manifestOf(files);
    const peers = ['nestjs', 'typeorm', 'kafka'].map(
      (lib) =>
        manifestOf({ 'package.json': readFileSync(`libs/${lib}/package.json`, 'utf8') })['peerDependencies']!,
    );
    const ranges = Object.assign({}, ...peers) as Record<string, string>;
    for (const name of ['class-validator', 'class-transformer', 'kafkajs', 'pg', '@electric-sql/pglite']) {
      const chosen = (dependencies![name] ?? devDependencies![name]) as string;
      expect([name, ranges[name]!.split(' || ')]).toEqual([name, expect.arrayContaining([chosen])]);
    }
    expect(dependencies).toMatchObject({
      typeorm: '^0.3.20',
      '@nestjs/typeorm': '^11.0.0',
      '@exactly-once/kafka': '^0.1.0',
      '@nestjs/microservices': ranges['@nestjs/microservices']!.split(' || ')[0],
    });
    expect(Object.keys(dependencies!)).toEqual(Object.keys(dependencies!).sort());
    expect(scripts!['migrate:exactly-once']).toBe(
      'exactly-once migrate --default-url postgres://postgres@localhost:5432/shop',
    );
  });

  it('has jest of a CommonJS project load the ES modules, and leaves vitest alone', async () => {
    const [eleven, twelve] = [await add(newApplication(11)), await add(newApplication(12))];

    const jest = manifestOf(eleven.files)['jest'] as { transform: object; transformIgnorePatterns: string[] };
    const [first] = Object.keys(jest.transform);
    expect('/x/node_modules/@exactly-once/core/dist/index.js').toMatch(new RegExp(first!));
    expect('/x/node_modules/@exactly-once/core/dist/index.js').not.toMatch(
      new RegExp(jest.transformIgnorePatterns[0]!),
    );
    expect('/x/node_modules/typeorm/index.js').toMatch(new RegExp(jest.transformIgnorePatterns[0]!));
    const ofPnpm = (name: string) =>
      `/x/node_modules/.pnpm/${name.replace('/', '+')}@1.0.0/node_modules/${name}/a.js`;
    expect(ofPnpm('@exactly-once/core')).toMatch(new RegExp(first!));
    expect(ofPnpm('@exactly-once/core')).not.toMatch(new RegExp(jest.transformIgnorePatterns[0]!));
    expect(ofPnpm('typeorm')).toMatch(new RegExp(jest.transformIgnorePatterns[0]!));
    expect(manifestOf(twelve.files)['devDependencies']).not.toHaveProperty('@swc/jest');
  });

  it('has the end-to-end tests load them, too', async () => {
    const config = { rootDir: '.', testRegex: '.e2e-spec.ts$', transform: { '^.+\\.(t|j)s$': 'ts-jest' } };
    const text = `${JSON.stringify(config, null, 2)}\n`;
    const projects = [
      { path: 'test/jest-e2e.json', files: newApplication(11), options: {} },
      { path: 'apps/shop/test/jest-e2e.json', files: monorepo(11), options: { project: 'shop' } },
    ];

    for (const { path, files, options } of projects) {
      const made = await add({ ...files, [path]: text }, options);

      const { jest } = manifestOf(made.files);
      expect(JSON.parse(made.files[path]!)).toMatchObject({
        ...config,
        transformIgnorePatterns: jest!['transformIgnorePatterns'],
        transform: jest!['transform'],
      });
      expect(made.said).toEqual([]);
    }
    expect(
      (await add({ ...newApplication(12), 'test/jest-e2e.json': text })).files['test/jest-e2e.json'],
    ).toBe(text);
  });

  it('says what to do where jest is configured elsewhere', async () => {
    const { said, error } = await add(newApplication(11, { jest: undefined }));

    expect(error).toBeNull();
    expect(said.join('\n')).toContain('"transformIgnorePatterns"');
  });

  it('moves a package that is needed in production, and named for development only', async () => {
    const files = newApplication(12, {
      devDependencies: { '@electric-sql/pglite': '^0.5.1', vitest: '^4.1.2' },
    });

    const { dependencies, devDependencies } = manifestOf((await add(files, { database: 'embedded' })).files);

    expect(dependencies!['@electric-sql/pglite']).toBe('^0.5.1');
    expect(devDependencies).not.toHaveProperty('@electric-sql/pglite');
  });

  it('writes a compose file where wished, with what was chosen', async () => {
    const [both, none] = [
      await add(newApplication(12), { broker: 'kafka', compose: true }),
      await add(newApplication(12), { database: 'embedded', compose: true }),
    ];

    const compose = both.files['docker-compose.yml']!;
    expect(compose).toMatch(/POSTGRES_DB: shop[\s\S]*apache\/kafka/);
    expect(compose.match(/ports: .*/g)).toEqual([
      "ports: ['127.0.0.1:5432:5432']",
      "ports: ['127.0.0.1:9092:9092']",
    ]);
    expect(compose).toContain('pg_isready -U postgres -h localhost');
    expect(none.files).not.toHaveProperty('docker-compose.yml');
  });

  it('finds the project of a monorepo, and its module', async () => {
    const { files, error } = await add(monorepo(11), { project: 'shop' });

    expect(error).toBeNull();
    expect(files['apps/shop/src/app.module.ts']).toContain('ExactlyOnceModule.forRoot');
    expect(files['apps/shop/src/main.ts']).toContain('exactlyOnce()');
  });

  it('connects before other microservices start, and starts them once', async () => {
    const main = `import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module';

async function bootstrap() {
  const app = await NestFactory.create<Application>(AppModule, { bufferLogs: true });
  app.enableShutdownHooks();
  app.connectMicroservice({ transport: 5 });
  await app.startAllMicroservices();
  await app.listen(3000);
}
void bootstrap();
`;

    const { files } = await add({ ...newApplication(11), 'src/main.ts': main });

    expect(files['src/main.ts']).toContain(`  app.connectMicroservice({ transport: 5 });
  app.connectMicroservice(exactlyOnce(), { inheritAppConfig: true });
  await app.startAllMicroservices();
  await app.listen(3000);`);
    expect(files['src/main.ts']!.match(/enableShutdownHooks|startAllMicroservices/g)).toHaveLength(2);
  });

  it('finds a root module that main.ts imports from the base of the project', async () => {
    const { 'src/main.ts': main, ...files } = newApplication(11);

    const made = await add({ ...files, 'src/main.ts': main!.replace("'./app.module'", "'src/app.module'") });

    expect(made.error).toBeNull();
    expect(made.files['src/app.module.ts']).toContain('ExactlyOnceModule.forRoot');
  });

  it('reads configuration with comments in it', async () => {
    const config = '{\n  // of the shop\n  "sourceRoot": "src",\n}\n';

    const { files, error } = await add({ ...newApplication(11), 'nest-cli.json': config });

    expect(error).toBeNull();
    expect(files['nest-cli.json']).toBe(config);
  });

  it('names the lines where main.ts has another shape', async () => {
    const main =
      "import { AppModule } from './app.module';\nimport { NestFactory } from '@nestjs/core';\n\nNestFactory.create(AppModule).then((app) => app.listen(3000));\n";

    const { files, said } = await add({ ...newApplication(11), 'src/main.ts': main });

    expect(files['src/main.ts']).toBe(main);
    expect(said.join('\n')).toContain('app.connectMicroservice(exactlyOnce(), { inheritAppConfig: true });');
  });

  it.each<[what: string, files: Files, options: object, message: RegExp]>([
    ['no package.json', {}, {}, /no package\.json/],
    ['no Nest', { 'package.json': '{ "name": "x" }' }, {}, /no Nest project/],
    [
      'a Nest below the packages',
      newApplication(11, { dependencies: { '@nestjs/core': '11.1.5' } }),
      {},
      tooOld,
    ],
    [
      'an installed Nest below them',
      { ...newApplication(11), 'node_modules/@nestjs/core/package.json': '{ "version": "11.0.9" }' },
      {},
      tooOld,
    ],
    ['Nest 9', newApplication(11, { dependencies: { '@nestjs/core': '^9.0.0' } }), {}, /Nest 9.*11 and 12/],
    ['a project that is none', monorepo(11), { project: 'shoop' }, /no project "shoop": it has shop/],
    ['a module that is none', newApplication(11), { module: 'src/x.module.ts' }, /no src\/x\.module\.ts/],
    ['a bad name', newApplication(11), { service: "it's" }, /--service is/],
    ['an unknown database', newApplication(11), { database: 'oracle' }, /database/],
  ])('refuses %s, and changes nothing', async (_, files, options, message) => {
    const { error } = await add(files, options);

    expect(error).toMatch(message);
  });
});
