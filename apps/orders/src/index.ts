/**
 * What another workspace composes of this service: its domain without any `forRoot`, and the migration of its tables.
 * `main.ts` is the service as a process of its own.
 */
export { CreateOrderTables } from './migrations/1-create-tables.js';
export { Order, type OrderState } from './orders/order.entity.js';
export { OrdersModule } from './orders/orders.module.js';
export { OrdersService } from './orders/orders.service.js';
export { PlaceOrderRequest } from './orders/place-order.request.js';
