/** All cases of this harness, by number. */
import type { FaultCase } from '../harness/fault-case.js';
import { brokerKilledCases } from './broker-killed.js';
import { changedLogCases } from './changed-logs.js';
import { commitFailureCases } from './commit-failures.js';
import { connectionCutCase } from './connection-cut.js';
import { copyCases } from './copies.js';
import { crashCases } from './crashes.js';
import { blackHoleCase } from './database/black-hole.js';
import { embeddedCase } from './database/embedded.js';
import { endedSessionsCase } from './database/ended-sessions.js';
import { exhaustedPoolCase } from './database/exhausted-pool.js';
import { restartsCase } from './database/restarts.js';
import { whileDeadLetteringCase } from './database/while-dead-lettering.js';
import { excessiveInputCase } from './excessive-input.js';
import { handlerMistakeCases } from './handler-mistakes.js';
import { hostileInputCases } from './hostile-input.js';
import { hotRowCases } from './hot-rows.js';
import { identityCases } from './identities.js';
import { longWorkCases } from './long-work.js';
import { neighboursCase } from './neighbours.js';
import { orderlyEndCases } from './orderly-ends.js';
import { parkingCases } from './parking.js';
import { poisonCase } from './poison.js';
import { processKillersCase } from './process-killers.js';
import { publishingCases } from './publishing.js';
import { rebalanceCases } from './rebalances.js';
import { brokerAwayCase } from './relay/broker-away.js';
import { chaosCases } from './relay/chaos.js';
import { lateCommitsCase } from './relay/late-commits.js';
import { lostProgressCase } from './relay/lost-progress.js';
import { refusedEventsCase } from './relay/refused-events.js';
import { rollingRestartCase } from './relay/rolling-restart.js';
import { stoppedRelayCase } from './relay/stopped-relay.js';
import { replayCases } from './replays.js';
import { retentionCases } from './retention.js';
import { sharedSessionCases } from './shared-session.js';
import { soakCase } from './soak/soak.js';
import { transactionalCases } from './transactional.js';
import { transactionalCopiesCase } from './transactional-copies.js';
import { zombieCase } from './zombie.js';

export const faultCases: readonly FaultCase[] = [
  ...crashCases,
  connectionCutCase,
  ...orderlyEndCases,
  blackHoleCase,
  endedSessionsCase,
  restartsCase,
  whileDeadLetteringCase,
  exhaustedPoolCase,
  embeddedCase,
  ...handlerMistakeCases,
  ...copyCases,
  zombieCase,
  ...identityCases,
  ...publishingCases,
  ...hostileInputCases,
  excessiveInputCase,
  neighboursCase,
  ...changedLogCases,
  ...hotRowCases,
  ...commitFailureCases,
  ...sharedSessionCases,
  ...longWorkCases,
  ...rebalanceCases,
  ...brokerKilledCases,
  poisonCase,
  processKillersCase,
  ...parkingCases,
  ...transactionalCases,
  transactionalCopiesCase,
  brokerAwayCase,
  stoppedRelayCase,
  lateCommitsCase,
  refusedEventsCase,
  rollingRestartCase,
  lostProgressCase,
  ...chaosCases,
  ...replayCases,
  ...retentionCases,
  soakCase,
].toSorted((one, other) => one.number - other.number);
