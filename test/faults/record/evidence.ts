/**
 * What a worker writes down about itself, so that the runner can prove that a fault fired.
 */
export type Evidence = { readonly worker: string; readonly atMs: number } & EvidenceDetail;

export type EvidenceDetail =
  /** Written immediately before the process stops itself. */
  | { readonly kind: 'fault'; readonly point: string; readonly hit: number; readonly signal: string }
  /** The database refused a move of the fence. */
  | { readonly kind: 'fenced'; readonly topic: string; readonly partition: number }
  /** A handler did something on purpose. */
  | { readonly kind: 'act'; readonly act: string; readonly message: string; readonly attempt: number }
  /** An error that reached nobody, or that a late write got. */
  | { readonly kind: 'loud'; readonly error: string }
  /** `ExactlyOnce.transaction` reported this. */
  | { readonly kind: 'transaction'; readonly message: string; readonly reported: string };
