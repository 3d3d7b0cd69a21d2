/**
 * Stands next to each handler. Through `exactlyOnce()` it reports the handler's own error; over Nest's own
 * transports it runs the whole event: admit, handle, commit, and only then acknowledge. Step 5 of an event's life.
 */
import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { from, lastValueFrom, type Observable, tap } from 'rxjs';
import { captureError, currentCapture } from './error-capture.js';
import { foreignMessage } from './foreign-message.js';
import { type HandlerMark, markMetadata } from './handler-mark.js';
import { asValidationFailure } from './payload-validation.js';
import { Runtime } from './runtime.js';

@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(private readonly moduleRef: ModuleRef) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const capture = currentCapture();
    if (capture === undefined) return from(this.#runForeign(context, next));
    return next.handle().pipe(
      tap({
        error: captureError,
        complete: () => {
          capture.completed = true;
        },
      }),
    );
  }

  /** One event of a transport of Nest's own. Rejects where it must not be acknowledged; Nest's Kafka wants a value. */
  async #runForeign(context: ExecutionContext, next: CallHandler): Promise<void> {
    const runtime = this.moduleRef.get(Runtime, { strict: false });
    const mark: HandlerMark = Reflect.getMetadata(markMetadata, context.getHandler());
    const rpc = context.switchToRpc();
    const message = foreignMessage(rpc.getContext());
    const { engine, name } = await runtime.foreignHandler(context.getClass(), mark);
    const { delivery, read } = message;
    const invoke = async () => {
      try {
        await lastValueFrom(next.handle(), { defaultValue: undefined });
      } catch (error) {
        throw asValidationFailure(error);
      }
    };
    try {
      await engine.handleForeign({ handler: name, delivery, read, data: rpc.getData(), invoke });
    } catch (error) {
      throw await message.refuse(error);
    }
    message.acknowledge();
  }
}
