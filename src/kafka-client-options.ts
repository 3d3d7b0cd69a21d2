/**
 * Where Kafka is, as the tool's commands are told: brokers by name, and a file with everything else of kafkajs's client
 * options, so that no password stands on a command line.
 */
import { readFile } from 'node:fs/promises';
import { ExactlyOnceError } from '@exactly-once/core';
import type { KafkaBrokerOptions } from '@exactly-once/kafka';
import { type Command, Option } from 'commander';

export interface KafkaPlaceOptions {
  readonly brokers?: string;
  readonly client?: string;
}

/** Adds the two words to a command. */
export function kafkaPlace(command: Command): Command {
  return command
    .addOption(new Option('--brokers <list>', 'Kafka, as host:port with commas').env('KAFKA_BROKERS'))
    .option('--client <file>', "JSON file of kafkajs's client options");
}

/** `null` where neither says where Kafka is. Throws EO_OPTION_INVALID for a file that holds no options. */
export async function kafkaClientOptions(
  clientId: string,
  { brokers, client }: KafkaPlaceOptions,
): Promise<KafkaBrokerOptions['client'] | null> {
  const fromFile: object = client === undefined ? {} : await readClientFile(client);
  const named = brokers?.split(',').map((one) => one.trim());
  const options = { clientId, ...fromFile, ...(named && { brokers: named }) };
  return 'brokers' in options ? (options as KafkaBrokerOptions['client']) : null;
}

async function readClientFile(file: string): Promise<object> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new ExactlyOnceError('EO_OPTION_INVALID', `--client ${file} cannot be read: ${said}`, { cause });
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed;
  throw new ExactlyOnceError('EO_OPTION_INVALID', `--client ${file} holds no object`);
}
