/**
 * The image of a generated microservice: built from the workspace's root, with what it runs with and nothing else, as the
 * user `node`, and with its health.
 */
import type { Choices } from '../nest-add/packages.js';
import type { Project } from '../project/project.js';

interface Image extends Pick<Choices, 'database'> {
  readonly name: string;
  readonly port: number;
}

/** What no image is built of. */
export const dockerIgnoreText = `**/node_modules
**/dist
.git
.env*
data
`;

/** A bundler writes one file; tsc keeps the folders from the workspace's root. */
function mainOf(name: string, { compilerOptions }: Project['config']): string {
  const { webpack = false, builder = webpack ? 'webpack' : 'tsc' } = compilerOptions ?? {};
  const kind = typeof builder === 'string' ? builder : (builder.type ?? 'tsc');
  const folder = ['webpack', 'rspack'].includes(kind) ? '' : `apps/${name}/src/`;
  return `dist/apps/${name}/${folder}main.js`;
}

export function dockerfileText({ name, port, database }: Image, config: Project['config']): string {
  const data =
    database === 'embedded'
      ? `# The database of the process: mount a volume here, or it goes with the container.
RUN mkdir -p data/${name} && chown -R node:node data\n`
      : '';
  const release =
    database === 'embedded' ? '' : '# Before a release: DATABASE_URL=... npx exactly-once migrate\n';
  return `# From the workspace's root: docker build -f apps/${name}/Dockerfile .
${release}FROM node:22-slim AS build
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
${data}USER node
EXPOSE ${port}
HEALTHCHECK --interval=10s --start-period=20s CMD ["node", "-e", \\
  "fetch('http://localhost:' + process.env.PORT + '/health').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Node is the first process of the container, so it gets SIGTERM itself.
CMD ["node", "${mainOf(name, config)}"]
`;
}
