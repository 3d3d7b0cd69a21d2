/**
 * Health of an engine by its parts, for people and for readiness probes.
 *
 * A part without which no event is handled or published goes down. Others (`retention`, `outbox`) stay up and say
 * their trouble as a reason: a probe must not take a service out of traffic for them.
 */
export interface PartHealth {
  readonly status: 'up' | 'down';
  /** Why it is down; where it is up, what somebody should look at. */
  readonly reason?: string;
  /** Records not yet processed, where it is known. */
  readonly lag?: number;
}

export interface EngineHealth {
  /** Down where any part is. */
  readonly status: 'up' | 'down';
  /**
   * `storage` and `broker` are asked every 5 seconds; `processing`, `consumer` and `relay` tell of themselves;
   * `outbox` names events that the broker refused for good; `parked` those that wait; `retries` is down
   * where parked events cannot be looked for, and names what keeps a key from being retried; `retention` its last failure.
   */
  readonly parts: Readonly<Record<string, PartHealth>>;
}

export function engineHealth(parts: Readonly<Record<string, PartHealth>>): EngineHealth {
  const down = Object.values(parts).some((part) => part.status === 'down');
  return { status: down ? 'down' : 'up', parts };
}

/** Down where there is a reason. */
export function partHealth(reason: string | null): PartHealth {
  return reason === null ? { status: 'up' } : { status: 'down', reason };
}

/** Up, whatever there is to say. */
export function upWithNote(note: string | null): PartHealth {
  return note === null ? { status: 'up' } : { status: 'up', reason: note };
}
