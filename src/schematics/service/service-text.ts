/**
 * The files of a generated microservice, as the reference services of this repository have them: a domain module without
 * any `forRoot`, a main module with all of them, health, and an image.
 */
import { indented } from '../code/source-edit.js';
import type { Choices } from '../nest-add/packages.js';
import { exactlyOnceText, importsOfRootModule, typeOrmText } from '../nest-add/root-module-text.js';
import { pascal } from '../project/names.js';
import type { Project } from '../project/project.js';

export interface ServiceShape extends Choices {
  /** In kebab-case. */
  readonly name: string;
  readonly port: number;
}

/** By their paths below the service's folder. */
export function serviceFiles({ isEsm, config }: Project, service: ServiceShape): Record<string, string> {
  const { name } = service;
  const suffix = isEsm ? '.js' : '';
  return {
    'src/main.ts': mainText(service, isEsm),
    'src/main.module.ts': mainModuleText(service, suffix),
    'src/health.controller.ts': healthText,
    [`src/${name}/${name}.module.ts`]: domainText(name),
    'tsconfig.app.json': `${JSON.stringify(tsconfig(name), null, 2)}\n`,
    Dockerfile: dockerfileText(service, mainOf(name, config)),
  };
}

const domainText = (name: string) => `import { Module } from '@nestjs/common';

/** The domain: no forRoot, so that it runs alone or beside others. */
@Module({})
export class ${pascal(name)}Module {}
`;

function mainText({ port }: ServiceShape, isEsm: boolean): string {
  return `import { exactlyOnce } from '@exactly-once/nestjs';
import { ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MainModule } from './main.module${isEsm ? '.js' : ''}';

async function bootstrap() {
  const app = await NestFactory.create(MainModule);
  app.useGlobalPipes(new ValidationPipe({ transform: true }));
  app.connectMicroservice(exactlyOnce(), { inheritAppConfig: true });
  app.enableShutdownHooks();
  await app.startAllMicroservices();
  await app.listen(process.env.PORT ?? ${port});
}
${isEsm ? 'await ' : 'void '}bootstrap();
`;
}

function mainModuleText(service: ServiceShape, suffix: string): string {
  const { name } = service;
  const domain = `${pascal(name)}Module`;
  const imports = importsOfRootModule(service, false).map(
    ([names, from]) => `import { ${names.join(', ')} } from '${from}';`,
  );
  return `${imports.join('\n')}
import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { HealthController } from './health.controller${suffix}';
import { ${domain} } from './${name}/${name}.module${suffix}';

@Module({
  imports: [
    ${indented(typeOrmText(service, name), '    ')},
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

/** A bundler writes one file; tsc keeps the folders from the workspace's root. */
function mainOf(name: string, { compilerOptions }: Project['config']): string {
  const { webpack = false, builder = webpack ? 'webpack' : 'tsc' } = compilerOptions ?? {};
  const kind = typeof builder === 'string' ? builder : (builder.type ?? 'tsc');
  const folder = ['webpack', 'rspack'].includes(kind) ? '' : `apps/${name}/src/`;
  return `dist/apps/${name}/${folder}main.js`;
}

function dockerfileText({ name, port }: ServiceShape, main: string): string {
  return `# From the workspace's root: docker build -f apps/${name}/Dockerfile .
# Before a release: DATABASE_URL=... npx exactly-once migrate
FROM node:22-slim AS build
WORKDIR /workspace
COPY . .
RUN npm ci --no-audit --no-fund \\
 && npx nest build ${name} \\
 && npm prune --omit=dev --no-audit --no-fund

FROM node:22-slim
WORKDIR /workspace
ENV NODE_ENV=production PORT=${port}
COPY --from=build /workspace/package.json package.json
COPY --from=build /workspace/node_modules node_modules
COPY --from=build /workspace/dist/apps/${name} dist/apps/${name}
USER node
EXPOSE ${port}
# Node is the first process of the container, so it gets SIGTERM itself.
CMD ["node", "${main}"]
`;
}
