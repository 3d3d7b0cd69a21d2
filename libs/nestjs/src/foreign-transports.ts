/**
 * Checks at start that every bare `@IdempotentHandler()` is served by a transport that can acknowledge after the
 * commit: Kafka, or RabbitMQ with `noAck: false`.
 */
import type { ModulesContainer } from '@nestjs/core';
import { Transport } from '@nestjs/microservices';
import { unsupported } from './foreign-message.js';
import type { FoundHandler } from './handler-explorer.js';
import { exactlyOnceTransport } from './tokens.js';

/** Nest's own metadata keys and values (@nestjs/microservices, `constants` and `PatternHandler`). */
const patternKind = 'microservices:handler_type';
const transportKey = 'microservices:transport';
const eventKind = 2;

interface ConnectedServer {
  readonly transportId?: Transport | symbol;
  readonly options?: { readonly noAck?: boolean };
}

/** Throws EO_TRANSPORT_UNSUPPORTED. */
export function checkForeignTransports(bare: readonly FoundHandler[], modules: ModulesContainer): void {
  if (bare.length === 0) return;
  for (const handler of bare) {
    const label = labelOf(handler);
    const kind = Reflect.getMetadata(patternKind, handler.callback);
    if (kind === undefined)
      throw unsupported(`bare @IdempotentHandler() on ${label} stands above no @EventPattern`);
    if (kind !== eventKind)
      throw unsupported(`${label} is a @MessagePattern: a reply cannot be part of a transaction`);
    const transport = Reflect.getMetadata(transportKey, handler.callback);
    if (transport !== undefined) checkTransport(label, { transportId: transport });
  }
  for (const server of connectedServers(modules)) {
    if (server.transportId === exactlyOnceTransport) continue;
    for (const handler of bare) {
      const wanted = Reflect.getMetadata(transportKey, handler.callback);
      if (wanted === undefined || wanted === server.transportId)
        checkTransport(labelOf(handler), server, true);
    }
  }
}

function checkTransport(label: string, { transportId, options }: ConnectedServer, connected = false): void {
  if (transportId === Transport.KAFKA) return;
  if (transportId !== Transport.RMQ) {
    const name = typeof transportId === 'number' ? Transport[transportId] : String(transportId);
    throw unsupported(
      `${label} is served by transport ${name}, which forgets a message before its handler has run`,
    );
  }
  if (connected && options?.noAck !== false) {
    throw unsupported(`${label} is served by RabbitMQ without \`noAck: false\``);
  }
}

/** Servers that were connected so far; the registry replays them. */
function connectedServers(modules: ModulesContainer): ConnectedServer[] {
  const servers: ConnectedServer[] = [];
  const registry = modules.getRpcTargetRegistry?.<ConnectedServer>();
  registry?.subscribe((server) => servers.push(server)).unsubscribe();
  return servers;
}

function labelOf({ controller, mark }: FoundHandler): string {
  return `${controller.name}.${mark.method}`;
}
