/**
 * A docker-compose.yml with the servers that were chosen, at the versions that are tested, with health checks.
 * For development: no password, no replica, nothing that is kept for long.
 */
import type { Choices } from './packages.js';
import { databaseName } from './root-module-text.js';

/** Empty where nothing that was chosen is a server. */
export function composeText({ database, broker }: Choices, service: string): string {
  const services = [
    ...(database === 'postgres' ? [postgres(service)] : []),
    ...(broker === 'kafka' ? [kafka] : []),
  ];
  if (services.length === 0) return '';
  return `# Servers for development: docker compose up -d --wait\nservices:\n${services.join('\n')}`;
}

const postgres = (service: string) => `  postgres:
    image: postgres:15
    environment:
      POSTGRES_DB: ${databaseName(service)}
      POSTGRES_HOST_AUTH_METHOD: trust
    ports: ['127.0.0.1:5432:5432']
    healthcheck:
      test: pg_isready -U postgres -h localhost
      interval: 2s
      retries: 20
`;

const kafka = `  kafka:
    image: apache/kafka:4.3.1
    environment:
      KAFKA_NODE_ID: 1
      KAFKA_PROCESS_ROLES: broker,controller
      KAFKA_CONTROLLER_QUORUM_VOTERS: 1@localhost:9093
      KAFKA_CONTROLLER_LISTENER_NAMES: CONTROLLER
      KAFKA_LISTENERS: PLAINTEXT://:9092,CONTROLLER://:9093
      KAFKA_ADVERTISED_LISTENERS: PLAINTEXT://localhost:9092
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: 1
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: 1
      KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: 1
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: 0
    ports: ['127.0.0.1:9092:9092']
    healthcheck:
      test: /opt/kafka/bin/kafka-topics.sh --bootstrap-server localhost:9092 --list
      interval: 3s
      timeout: 10s
      retries: 20
`;
