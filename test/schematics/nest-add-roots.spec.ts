import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Files, Generator, monorepo, newApplication, type Run } from './generated.js';

let generator: Generator;

beforeAll(() => {
  generator = new Generator();
});
afterAll(() => generator.end());

const scriptsOf = (files: Files) =>
  (JSON.parse(files['package.json']!) as { scripts: Record<string, string> }).scripts;
const add = (files: Files, options: object = {}) => generator.run(files, ['nest-add', options]);

describe('what nest add configures', () => {
  it('keeps a database that is configured, and refuses one that is no PostgreSQL', async () => {
    const root = (type: string) => `import { Module } from '@nestjs/common';
import { TypeOrmModule } from "@nestjs/typeorm";

@Module({ imports: [TypeOrmModule.forRoot({ type: '${type}' })] })
export class AppModule {}
`;
    const withRoot = (type: string) => add({ ...newApplication(11), 'src/app.module.ts': root(type) });

    const [postgres, mysql] = [await withRoot('postgres'), await withRoot('mysql')];

    expect(postgres.files['src/app.module.ts']!.match(/TypeOrmModule\.forRoot/g)).toHaveLength(1);
    expect(postgres.files['src/app.module.ts']).toContain(
      'import { ExactlyOnceModule } from "@exactly-once/nestjs";',
    );
    expect(mysql.error).toMatch(/mysql.*PostgreSQL/);
  });

  it('has tables follow the entities where that is said only, and a trial database with all of its own', async () => {
    const [server, embedded] = [
      await add(newApplication(12)),
      await add(newApplication(12), { database: 'embedded' }),
    ];

    expect(server.files['src/app.module.ts']).toContain(
      "synchronize: process.env.NODE_ENV === 'development',",
    );
    expect(embedded.files['src/app.module.ts']).toMatch(/synchronize: true,[\s\S]*migrate: true/);
    expect(scriptsOf(embedded.files)).not.toHaveProperty('migrate:exactly-once');
  });

  it('finds the database that a library of the workspace configures, and asks to import it', async () => {
    const { 'nest-cli.json': config, ...workspace } = monorepo(11);
    const { projects, ...more } = JSON.parse(config!) as { projects: object };
    const others = {
      database: { type: 'library', sourceRoot: 'libs/database/src' },
      other: { type: 'application', sourceRoot: 'apps/other/src' },
    };
    const root = (options: string) =>
      `import { Module } from '@nestjs/common';\n\n@Module({ imports: [${options}] })\nexport class X {}\n`;
    const files = {
      ...workspace,
      'nest-cli.json': JSON.stringify({ ...more, projects: { ...projects, ...others } }),
      'libs/database/src/database.module.ts': root("TypeOrmModule.forRoot({ type: 'postgres' })"),
      'apps/other/src/app.module.ts': root("ExactlyOnceModule.forRoot({ service: 'other' })"),
    };

    const made = await add(files, { project: 'shop' });

    expect(made.files['apps/shop/src/app.module.ts']).not.toContain('TypeOrmModule.forRoot');
    expect(made.files['apps/shop/src/app.module.ts']).toContain('ExactlyOnceModule.forRoot');
    expect(made.said.join('\n')).toMatch(/libs\/database\/src\/database\.module\.ts configures the database/);
  });

  it('a second time with other choices says what stays, and adds nothing for them', async () => {
    const first: Run = ['nest-add', { database: 'embedded', broker: 'database', skipInstall: true }];
    const once = await generator.run(newApplication(12), first);

    const again = await generator.run(once.files, first);
    const other = await generator.run(once.files, [
      'nest-add',
      { database: 'postgres', broker: 'kafka', service: 'till' },
    ]);

    expect(again.said).toEqual([]);
    expect(other.files).toEqual(once.files);
    expect(other.said).toEqual([
      expect.stringMatching(
        /src\/app\.module\.ts has .*database embedded, broker database, service shop: it stays.*database postgres, broker kafka, service till/,
      ),
    ]);
  });
});
