import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { isSpec, sourceFiles } from '../architecture/source-files.js';

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly ports?: readonly string[];
  readonly healthcheck?: { readonly test: string };
  readonly entrypoint?: readonly string[];
  readonly stop_grace_period?: string;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

const composed = (parse(readFileSync('docker-compose.yml', 'utf8')) as { services: Record<string, Service> })
  .services;
const apps = readdirSync('apps').filter((name) => existsSync(`apps/${name}/Dockerfile`));
const sourcesOf = (...names: readonly string[]) =>
  sourceFiles(...names.map((name) => `apps/${name}/src`)).filter((file) => !isSpec(file));
const codeOf = (...names: readonly string[]) =>
  sourcesOf(...names)
    .map(({ text }) => text)
    .join('\n');
const found = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, first]) => first!);
const unique = (all: readonly string[]) => [...new Set(all)].sort();

/** `const { A = '', B: b } = process.env` and `process.env['C']`. */
function variablesOf(code: string): string[] {
  const taken = found(code, /\{([^{}]*)\}\s*=\s*process\.env/g).flatMap((names) =>
    found(names, /\b([A-Z][A-Z_]+)\b(?=\s*[:=,]|\s*$)/g),
  );
  return unique([...taken, ...found(code, /process\.env\['(\w+)'\]/g)]);
}

/** What is told and heard, and where a handler without a database gives up to. */
function topicsOf(name: string): string[] {
  const topicOf = (text: string) => found(text, /\btopic: '([^']+)'/g)[0];
  const events = sourcesOf(name).filter(({ text }) => text.includes('@EventType'));
  const heard = (type: string) => topicOf(events.find(({ text }) => text.includes(`class ${type} `))!.text);
  const given = found(codeOf(name), /@IdempotentHandler\((\w+),[^)]*transaction: 'kafka'/g);
  return [...events.map(({ text }) => topicOf(text)!), ...given.map((type) => `${heard(type)}.dead-letters`)];
}

/** The exit code of a health check's command where the service answers with `status`. */
async function exitCode(command: string, status: number): Promise<number> {
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/health' ? status : 404).end('{}');
  });
  server.listen(0);
  await once(server, 'listening');
  const env = { ...process.env, NODE_OPTIONS: '', PORT: String((server.address() as AddressInfo).port) };
  const [code] = await once(spawn('sh', ['-c', command], { env, stdio: 'ignore' }), 'exit');
  server.close();
  return code;
}

describe('docker-compose.yml', () => {
  it('has each service that has a Dockerfile, and no other of ours', () => {
    const built = Object.entries(composed).filter(([, { build }]) => build !== undefined);

    expect(built.map(([name]) => name).sort()).toEqual(apps);
    expect(built.map(([, { build }]) => build)).toEqual(
      built.map(([name]) => ({ context: '.', dockerfile: `apps/${name}/Dockerfile` })),
    );
    expect(Object.values(composed).flatMap(({ image }) => image ?? [])).not.toContainEqual(
      expect.stringMatching(/^[^:]*$|:latest$/),
    );
  });

  it('makes every topic that a service tells or hears, and no other', () => {
    const script = composed['topics']!.entrypoint!.join(' ');
    const made = found(script, /for topic in ([^;]+);/g).flatMap((list) => list.trim().split(/\s+/));

    expect(made.toSorted()).toEqual(unique(apps.flatMap(topicsOf)));
  });

  it('publishes ports to this machine only', () => {
    const published = Object.values(composed).flatMap(({ ports = [] }) => ports);

    expect(published.length).toBeGreaterThan(apps.length);
    expect(published.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  it.each(apps)('gives %s the variables that it reads, and no others; its README names them', (name) => {
    const read = variablesOf(codeOf(name));
    const readme = readFileSync(`apps/${name}/README.md`, 'utf8');

    expect(read).toContain('PORT');
    expect(Object.keys(composed[name]!.environment!).sort()).toEqual(read);
    expect(read.filter((variable) => !readme.includes(variable))).toEqual([]);
  });

  it.each(apps)('has one port for %s: in the code, in the image, and outside', (name) => {
    const { environment, ports } = composed[name]!;
    const image = readFileSync(`apps/${name}/Dockerfile`, 'utf8');
    const [port] = found(codeOf(name), /process\.env\['PORT'\] \?\? (\d+)/g);

    expect(port).toMatch(/^\d+$/);
    expect(String(environment!['PORT'])).toBe(port);
    expect(ports).toEqual([`127.0.0.1:${port}:${port}`]);
    expect([...found(image, /^EXPOSE (\d+)$/gm), ...found(image, /PORT=(\d+)/g)]).toEqual([port, port]);
  });

  it.each(apps)('starts %s when its topics are made and its database answers', (name) => {
    const { depends_on, environment, stop_grace_period } = composed[name]!;
    const url = environment!['DATABASE_URL'];
    const database = url === undefined ? undefined : new URL(String(url));

    expect(depends_on).toEqual({
      topics: { condition: 'service_completed_successfully' },
      ...(database && { [database.hostname]: { condition: 'service_healthy' } }),
    });
    expect(String(stop_grace_period)).toMatch(/^[2-9]\ds$/); // `shutdownMs` is 10 s
    if (database === undefined) return;
    const server = composed[database.hostname]!;
    expect(server.environment!['POSTGRES_DB']).toBe(database.pathname.slice(1));
    expect(server.healthcheck!.test).toMatch(/^pg_isready .*-h localhost\b/); // initdb's own server hears its socket only
  });

  it('asks /health of each, and so do the images: well with 200, ill with 503', async () => {
    const image = readFileSync('apps/orders/Dockerfile', 'utf8');
    const [, words] = /^HEALTHCHECK .*?CMD (\[.*?\])$/ms.exec(image)!;
    const [program, ...rest] = JSON.parse(words!.replaceAll('\\\n', '')) as string[];
    const [asked, ...others] = unique(apps.map((name) => composed[name]!.healthcheck!.test));
    const commands = [asked!, [program, ...rest.map((word) => `"${word}"`)].join(' ')];

    const well = await Promise.all(commands.map((command) => exitCode(command, 200)));
    const ill = await Promise.all(commands.map((command) => exitCode(command, 503)));

    expect([well, ill, others]).toEqual([[0, 0], [1, 1], []]);
  });
});

describe('the Dockerfile of a service', () => {
  it.each(apps)('%s: the same as that of orders, but for name and port', (name) => {
    const like = (app: string) =>
      readFileSync(`apps/${app}/Dockerfile`, 'utf8')
        .replaceAll(app, 'NAME')
        .replaceAll(/\b300\d\b/g, 'PORT');

    expect(like(name)).toBe(like('orders'));
    expect(like(name)).toMatch(/^USER node$/m);
    expect(like(name)).toMatch(/^CMD \["node", "apps\/NAME\/dist\/main\.js"\]$/m);
  });
});
