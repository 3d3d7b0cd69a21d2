/**
 * What a worker writes down about itself, so that the runner can prove that a fault fired.
 */
export type Evidence = { readonly worker: string; readonly atMs: number } & EvidenceDetail;

export type EvidenceDetail =
  /** Written immediately before the process stops itself. */
  | { readonly kind: 'fault'; readonly point: string; readonly hit: number; readonly signal: string }
  /** The database refused a move of the fence. */
  | { readonly kind: 'fenced'; readonly topic: string; readonly partition: number }
  /** The consumer has made a partition its own, in Kafka-transaction mode. */
  | { readonly kind: 'claimed'; readonly topic: string; readonly partition: number }
  /** A relay has a shard from now on. */
  | { readonly kind: 'took'; readonly shard: number }
  /** A Kafka transaction did not commit, because another producer has its id; or a relay's shard is another's. */
  | { readonly kind: 'refused'; readonly code: string }
  /** A handler did something on purpose. */
  | { readonly kind: 'act'; readonly act: string; readonly message: string; readonly attempt: number }
  /** Health has changed; `reasons` of the parts that are down. */
  | { readonly kind: 'health'; readonly status: 'up' | 'down'; readonly reasons: readonly string[] }
  /** So many wait for a connection of the pool; only where they are more than before. */
  | { readonly kind: 'pool'; readonly waiting: number }
  /** So many transactions were open or wanted at once; only where they are more than before. */
  | { readonly kind: 'beside'; readonly transactions: number }
  /** Bytes that the process held when it was ready, and at most until its end. */
  | { readonly kind: 'memory'; readonly atStart: number; readonly most: number }
  /** An error that reached nobody, or that a late write got. */
  | { readonly kind: 'loud'; readonly error: string }
  /** `ExactlyOnce.transaction` reported this. */
  | { readonly kind: 'transaction'; readonly message: string; readonly reported: string };
