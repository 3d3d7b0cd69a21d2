/**
 * Stands around every handler of the shop and tells the watch when it is called, and how it ended.
 *
 * Changes neither what the handler gets nor what it answers.
 */
import { EventContext } from '@exactly-once/nestjs';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { type Observable, tap } from 'rxjs';
import type { EventMark } from './messages.js';
import type { Watch } from './watch.js';

export class WatchInterceptor implements NestInterceptor {
  constructor(readonly watch: Watch) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'rpc') return next.handle();
    const event = context.switchToRpc().getContext<EventContext>();
    if (!(event instanceof EventContext)) return next.handle();
    const mark: EventMark = {
      type: event.type,
      eventId: event.id,
      orderId: event.key ?? '',
      handler: event.handler,
    };
    this.watch.called(event.delivery);
    return next.handle().pipe(
      tap({
        complete: () => this.watch.ended(mark),
        error: (error: unknown) => this.watch.failed(mark, error),
      }),
    );
  }
}
