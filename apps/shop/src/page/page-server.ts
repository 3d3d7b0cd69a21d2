/**
 * Serves the page over HTTP: the document and its parts, the state as JSON and as it changes, an order's journey.
 *
 * For this machine alone unless a host is given. Nothing can be changed through it, and what it keeps for a
 * client that hangs or has vanished is bounded.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LiveStates } from './live-states.js';
import { type PageFile, pageFiles } from './page-files.js';
import type { ShowSource } from './show-state.js';

/** A page that is being served. */
export interface ServedPage {
  /** The one that was given, or the free one that was found for 0. */
  readonly port: number;
  readonly url: string;
  /** Ends all connections, also those that wait for the next state, and frees the port. */
  close(): Promise<void>;
}

/** Settings that a run seldom needs. */
export interface PageServerOptions {
  /** Address to listen on, by default `127.0.0.1`; `0.0.0.0` shows the page to the whole network. */
  readonly host?: string;
}

const securityHeaders = {
  'Content-Security-Policy': [
    "default-src 'self'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

const maxConnections = 256;

/**
 * Serves `state` at `port`, 0 for any free one. Rejects where the port is taken, forbidden or none at all, with a
 * message that names PORT, and where a file of the page is missing.
 */
export async function servePage(
  state: ShowSource,
  port: number,
  { host = '127.0.0.1' }: PageServerOptions = {},
): Promise<ServedPage> {
  const files = await pageFiles();
  const live = new LiveStates(state);
  const server = createServer((request, response) => answer(request, response, { state, files, live }));
  server.maxConnections = maxConnections;
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    live.close();
    throw new Error(portProblem(error, port), { cause: error });
  }
  const { port: actual } = server.address() as AddressInfo;
  return {
    port: actual,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actual}`,
    close: async () => {
      live.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Served {
  readonly state: ShowSource;
  readonly files: ReadonlyMap<string, PageFile>;
  readonly live: LiveStates;
}

function answer(request: IncomingMessage, response: ServerResponse, served: Served): void {
  for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
  const path = (request.url ?? '/').split('?', 1)[0]!;
  const file = served.files.get(path);
  const orderId = orderIdOf(path);
  const known = file !== undefined || orderId !== null || path === '/api/state' || path === '/api/live';

  if (!known) send(response, 404, { error: 'not found' });
  else if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    send(response, 405, { error: 'only GET and HEAD' });
  } else if (file !== undefined) {
    response.setHeader('Content-Type', file.contentType).end(file.body);
  } else if (orderId !== null) {
    const journey = served.state.journey(orderId);
    if (journey === null) send(response, 404, { error: 'no such order' });
    else send(response, 200, journey);
  } else if (path === '/api/state') send(response, 200, served.state.state());
  else if (request.method === 'HEAD') response.setHeader('Content-Type', 'text/event-stream').end();
  else served.live.add(response);
}

/** Null for another path, and for an id that is not well-formed. */
function orderIdOf(path: string): string | null {
  const encoded = /^\/api\/orders\/([^/]+)$/.exec(path)?.[1];
  if (encoded === undefined) return null;
  try {
    return decodeURIComponent(encoded);
  } catch {
    return null;
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(body));
}

function portProblem(error: unknown, port: number): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} is in use by another program`,
    EACCES: `this user may not listen on port ${port}`,
    ERR_SOCKET_BAD_PORT: `${port} is not a port (1 to 65535)`,
  };
  const reason = reasons[code ?? ''] ?? message;
  return `The page cannot be served: ${reason}. Nothing was started. Choose another port by PORT, as in PORT=3001 npm start.`;
}
