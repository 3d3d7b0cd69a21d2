/**
 * The files of a generated microservice, as the reference services of this repository have them: a domain module without
 * any `forRoot`, a main module with all of them, health, and an image.
 */
import { indented } from '../code/source-edit.js';
import type { Choices } from '../nest-add/packages.js';
import { exactlyOnceText, importsOfRootModule, typeOrmText } from '../nest-add/root-module-text.js';
import { pascal } from '../project/names.js';
import type { Project } from '../project/project.js';
import { dockerfileText } from './image-text.js';

export interface ServiceShape extends Choices {
  /** In kebab-case. */
  readonly name: string;
  readonly port: number;
  /** Whether the project's Nest has `useProcessExit`. */
  readonly hasProcessExit: boolean;
  /** When the first migration was made. */
  readonly nowMs: number;
}

/** By their paths below the service's folder. */
export function serviceFiles({ isEsm, config }: Project, service: ServiceShape): Record<string, string> {
  const { name, database } = service;
  const suffix = isEsm ? '.js' : '';
  return {
    ...(database === 'embedded' ? {} : { [`${migrationPath}.ts`]: migrationText(service) }),
    'src/main.ts': mainText(service, isEsm),
    'src/main.module.ts': mainModuleText(service, suffix),
    'src/health.controller.ts': healthText,
    [`src/${name}/${name}.module.ts`]: domainText(name),
    'tsconfig.app.json': `${JSON.stringify(tsconfig(name), null, 2)}\n`,
    Dockerfile: dockerfileText(service, config),
  };
}

const migrationPath = 'src/migrations/1-create-tables';
const migrationClass = (name: string) => `Create${pascal(name)}Tables`;

const migrationText = ({ name, nowMs }: ServiceShape) =>
  `import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Tables of the domain; those of the framework come with its storage. Never edited once it was released. */
export class ${migrationClass(name)} implements MigrationInterface {
  readonly name = '${migrationClass(name)}${nowMs}';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('SELECT 1'); // TODO: CREATE TABLE …
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('SELECT 1'); // TODO: DROP TABLE …
  }
}
`;

const domainText = (name: string) => `import { Module } from '@nestjs/common';

/** The domain: no forRoot, so that it runs alone or beside others. */
@Module({})
export class ${pascal(name)}Module {}
`;

function mainText({ port, hasProcessExit }: ServiceShape, isEsm: boolean): string {
  const hooks = hasProcessExit
    ? `  // Ends with 0, whatever is still open: the first process of a container is deaf to
  // the signal that Nest would send once more.
  app.enableShutdownHooks([], { useProcessExit: true });`
    : '  app.enableShutdownHooks();';
  return `import { exactlyOnce } from '@exactly-once/nestjs';
import { ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MainModule } from './main.module${isEsm ? '.js' : ''}';

async function bootstrap() {
  const app = await NestFactory.create(MainModule);
  app.useGlobalPipes(new ValidationPipe({ transform: true }));
  app.connectMicroservice(exactlyOnce(), { inheritAppConfig: true });
${hooks}
  await app.startAllMicroservices();
  await app.listen(process.env.PORT ?? ${port});
}
${isEsm ? 'await ' : 'void '}bootstrap();
`;
}

function mainModuleText(service: ServiceShape, suffix: string): string {
  const { name, database } = service;
  const place = { folder: `./data/${name}`, migrations: migrationClass(name) };
  const migration =
    database === 'embedded'
      ? ''
      : `import { ${migrationClass(name)} } from './${migrationPath.replace('src/', '')}${suffix}';\n`;
  const domain = `${pascal(name)}Module`;
  const imports = importsOfRootModule(service, false).map(
    ([names, from]) => `import { ${names.join(', ')} } from '${from}';`,
  );
  return `${imports.join('\n')}
import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { HealthController } from './health.controller${suffix}';
${migration}import { ${domain} } from './${name}/${name}.module${suffix}';

@Module({
  imports: [
    ${indented(typeOrmText(service, name, place), '    ')},
    ${indented(exactlyOnceText(service, name), '    ')},
    TerminusModule,
    ${domain},
  ],
  controllers: [HealthController],
})
export class MainModule {}
`;
}

const healthText = `import { ExactlyOnceHealthIndicator } from '@exactly-once/nestjs';
import { Controller, Get } from '@nestjs/common';
import {
  HealthCheck,
  type HealthCheckResult,
  HealthCheckService,
  TypeOrmHealthIndicator,
} from '@nestjs/terminus';

/** 503 where something does not work, with what. Readiness: it comes back by itself. */
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly database: TypeOrmHealthIndicator,
    private readonly exactlyOnce: ExactlyOnceHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check(): Promise<HealthCheckResult> {
    return this.health.check([
      () => this.database.pingCheck('database'),
      () => this.exactlyOnce.isHealthy('events'),
    ]);
  }
}
`;

function tsconfig(name: string): object {
  return {
    extends: '../../tsconfig.json',
    compilerOptions: { declaration: false, rootDir: '../..', outDir: `../../dist/apps/${name}` },
    include: ['src/**/*'],
    exclude: ['node_modules', 'dist', 'test', '**/*spec.ts'],
  };
}
