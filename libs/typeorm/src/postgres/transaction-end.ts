/**
 * How a transaction leaves its connection: rolled back or cut, with TypeORM's runner and subscribers told. Step 8 of an
 * event's life.
 *
 * Never throws: what is not committed is rolled back by the database at the latest when the connection ends.
 */
import { requestCancel } from './cancel-request.js';
import type { PostgresConnection } from './postgres-connection.js';

/** Milliseconds that a rollback may take before its connection is asked to cancel, and then is cut. */
const cancelAfterMs = 500;
export const rollbackPatienceMs = 2_000;

type End = 'BeforeTransactionRollback' | 'AfterTransactionRollback' | 'AfterTransactionCommit';

export async function rollBack(connection: PostgresConnection): Promise<void> {
  const cancel = () => requestCancel(connection.client, rollbackPatienceMs);
  if (connection.inFlight > 0) await cancel();
  else await tell(connection, 'BeforeTransactionRollback');
  const answered = await undone(connection, cancel);
  if (answered) return leave(connection, 'rolled-back');
  forgetRunnerState(connection);
  await connection.destroy();
}

async function undone(connection: PostgresConnection, cancel: () => Promise<void>): Promise<boolean> {
  const cancelling = setTimeout(() => void cancel(), cancelAfterMs);
  const answered = await connection.query('ROLLBACK', undefined, rollbackPatienceMs).then(
    () => true,
    () => false,
  );
  clearTimeout(cancelling);
  return answered;
}

export async function leave(connection: PostgresConnection, end: 'committed' | 'rolled-back'): Promise<void> {
  forgetRunnerState(connection);
  await tell(connection, end === 'committed' ? 'AfterTransactionCommit' : 'AfterTransactionRollback');
  await connection.release();
}

/** TypeORM's subscribers hear of the end, too; none of them can change it any more. */
async function tell({ runner }: PostgresConnection, what: End): Promise<void> {
  try {
    await runner.broadcaster.broadcast(what);
  } catch (error) {
    process.emitWarning(error as Error);
  }
}

function forgetRunnerState({ runner }: PostgresConnection): void {
  runner.isTransactionActive = false;
  runner.transactionDepth = 0;
}
