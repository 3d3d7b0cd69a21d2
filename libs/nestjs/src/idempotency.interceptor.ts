/**
 * Stands next to the pipes of each handler and sees their errors: a payload that they refuse is invalid for ever.
 * Step 5 of an event's life. What the handler itself does, `capturedHandler` sees.
 */
import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { type Observable, tap } from 'rxjs';
import { currentCapture } from './error-capture.js';
import { unsupported } from './foreign-message.js';
import { asValidationFailure } from './payload-validation.js';

@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  /** Throws EO_TRANSPORT_UNSUPPORTED for a call that came by no server of Nest's. */
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const capture = currentCapture();
    if (capture === undefined) {
      throw unsupported(
        `${context.getClass().name}.${context.getHandler().name} was called by something else`,
      );
    }
    return next.handle().pipe(
      tap({
        error: (error: unknown) => {
          if (!capture.entered) capture.failure ??= { error: asValidationFailure(error) };
        },
      }),
    );
  }
}
