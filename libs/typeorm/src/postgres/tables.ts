/**
 * Names of the framework's tables, with their schema where one is given.
 *
 * The only identifiers that statements contain; none comes from an event.
 */
import { ExactlyOnceError } from '@exactly-once/core';
import type { DataSource } from 'typeorm';

export interface Tables {
  readonly meta: string;
  readonly handler: string;
  readonly inbox: string;
  readonly outbox: string;
  readonly outboxArchive: string;
  readonly outboxBatch: string;
  readonly fence: string;
  readonly lease: string;
  readonly relay: string;
  readonly parkedKey: string;
  readonly parkedEvent: string;
  readonly deadLetter: string;
  readonly partition: string;
  readonly log: string;
  readonly member: string;
}

/** The schema to use: as given, else the DataSource's own, else `null`: wherever the search path leads. */
export function schemaOf(dataSource: DataSource, given: string | undefined): string | null {
  return given ?? (dataSource.options as { schema?: string }).schema ?? null;
}

/** Throws EO_OPTION_INVALID for a schema that is no plain identifier. */
export function tablesIn(schema: string | null): Tables {
  if (schema !== null && (typeof schema !== 'string' || !/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(schema))) {
    throw new ExactlyOnceError(
      'EO_OPTION_INVALID',
      `schema ${JSON.stringify(schema)} is not a plain identifier`,
    );
  }
  const name = (table: string) => (schema === null ? table : `"${schema}".${table}`);
  return {
    meta: name('eo_meta'),
    handler: name('eo_handler'),
    inbox: name('eo_inbox'),
    outbox: name('eo_outbox'),
    outboxArchive: name('eo_outbox_archive'),
    outboxBatch: name('eo_outbox_batch'),
    fence: name('eo_fence'),
    lease: name('eo_lease'),
    relay: name('eo_relay'),
    parkedKey: name('eo_parked_key'),
    parkedEvent: name('eo_parked_event'),
    deadLetter: name('eo_dead_letter'),
    partition: name('eo_partition'),
    log: name('eo_log'),
    member: name('eo_member'),
  };
}
