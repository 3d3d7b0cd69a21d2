/**
 * The events of the reference services as their producers publish them, for tests that deliver them.
 */
import { EventType } from '@exactly-once/nestjs';

@EventType<PlacedOrder>('order.placed', { topic: 'orders', key: (event) => event.orderId })
export class PlacedOrder {
  constructor(
    readonly orderId: string,
    readonly totalCents: number,
  ) {}
}

@EventType<PaidOrder>('payment.captured', { topic: 'payments', key: (event) => event.orderId })
export class PaidOrder {
  constructor(
    readonly orderId: string,
    readonly cents: number,
  ) {}
}

@EventType<RefusedOrder>('payment.refused', { topic: 'payments', key: (event) => event.orderId })
export class RefusedOrder {
  constructor(
    readonly orderId: string,
    readonly reason: string,
  ) {}
}

@EventType<ShippedOrder>('order.shipped', { topic: 'shipments', key: (event) => event.orderId })
export class ShippedOrder {
  constructor(
    readonly orderId: string,
    readonly trackingCode: string,
  ) {}
}

@EventType<CancelledOrder>('order.cancelled', { topic: 'orders', key: (event) => event.orderId })
export class CancelledOrder {
  constructor(
    readonly orderId: string,
    readonly reason: string,
  ) {}
}
