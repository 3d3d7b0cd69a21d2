/**
 * Tries to claim a partition until that succeeds, the assignment ends, or people are needed. Step 3 of an event's life.
 *
 * Never keeps the process for a broker that does not answer.
 */
import { errorChain, hasCode } from '@exactly-once/core';

const retryMs = 500;

export interface ClaimAttempts<T> {
  /** `null` where the assignment is over. */
  readonly claim: (signal: AbortSignal) => Promise<T | null>;
  /** No further try. */
  readonly draining: AbortSignal;
  /** Whatever still waits for a broker that does not answer must not keep the process. */
  readonly aborted: AbortSignal;
  /** Called with each failure: another try follows after so many milliseconds. */
  readonly failed: (reason: string, retryMs: number) => void;
}

/** `null`: it ended before. Rejects with a refusal for good. */
export async function claimUntilDone<T>(attempts: ClaimAttempts<T>): Promise<T | null> {
  const { claim, draining, aborted, failed } = attempts;
  const over = whenAborted(aborted);
  while (!draining.aborted) {
    try {
      return await Promise.race([claim(draining), over]);
    } catch (error) {
      if (isRefusal(error)) throw error;
      failed(errorChain(error).join(' <- '), retryMs);
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
  return null;
}

/** Only people can say where to go on. */
export function isRefusal(error: unknown): boolean {
  return hasCode(error, 'EO_OFFSET_AHEAD') || hasCode(error, 'EO_LOG_CHANGED');
}

async function whenAborted(signal: AbortSignal): Promise<null> {
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  }
  return null;
}
