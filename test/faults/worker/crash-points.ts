/**
 * Surrounds storage and broker, so that named points of an event's life are told when they are reached.
 *
 * The product knows nothing of this. `reach` is synchronous: a process that kills itself there has done exactly
 * what stands before the point and nothing of what stands after it.
 */
import type { Broker, DeliverySink, Publisher, Storage, Transaction } from '@exactly-once/core';
import { around, withParts } from './around.js';
import type { Point } from './worker-plan.js';

export type Reach = (point: Point) => void;

type Work<A extends unknown[], R> = (...parameters: A) => Promise<R>;

function between<A extends unknown[], R>(reach: Reach, before: Point | null, after: Point | null) {
  return (work: Work<A, R>): Work<A, R> =>
    async (...parameters) => {
      if (before !== null) reach(before);
      const result = await work(...parameters);
      if (after !== null) reach(after);
      return result;
    };
}

export function storageWithPoints(storage: Storage, reach: Reach): Storage {
  const inbox = around(storage.inbox, { admit: between(reach, 'admit:before', 'admit:after') });
  const outbox = around(storage.outbox, {
    settle: between(reach, 'settle:before', 'settle:after'),
    conclude: between(reach, 'conclude:before', null),
  });
  const parked = around(storage.parked, {
    park: between(reach, 'park:before', 'park:after'),
    take: between(reach, null, 'take:after'),
    mark: between(reach, null, 'mark:after'),
    postpone: between(reach, 'postpone:before', 'postpone:after'),
    settle: between(reach, 'leave:before', 'leave:after'),
    release: between(reach, 'release:before', 'release:after'),
  });
  const deadLetters = around(storage.deadLetters, { insert: between(reach, 'bury:before', 'bury:after') });
  const surrounded = around(storage, {
    begin: (begin) => async (options) => {
      reach('begin:before');
      const transaction = transactionWithPoints(await begin(options), reach);
      reach('begin:after');
      return transaction;
    },
  });
  return withParts(surrounded, { inbox, outbox, parked, deadLetters });
}

export function brokerWithPoints(broker: Broker, reach: Reach): Broker {
  return around(broker, {
    publisher: (publisher) => () => publisherWithPoints(publisher(), reach),
    consumer: (consumer) => (request) => consumer({ ...request, sink: sinkWithPoints(request.sink, reach) }),
  });
}

function transactionWithPoints(transaction: Transaction, reach: Reach): Transaction {
  return around(transaction, {
    seal: between(reach, 'seal:before', 'seal:after'),
    commit: between(reach, 'commit:before', 'commit:after'),
  });
}

function publisherWithPoints(publisher: Publisher, reach: Reach): Publisher {
  return around(publisher, { send: between(reach, 'send:before', 'send:after') });
}

function sinkWithPoints(sink: DeliverySink, reach: Reach): DeliverySink {
  return around(sink, {
    process: (work) => async (deliveries, session) => {
      reach('process:before');
      const done = (count: number) => {
        reach('done:before');
        session.done(count);
      };
      await work(deliveries, withParts(session, { done }));
    },
  });
}
