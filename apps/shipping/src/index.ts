/**
 * What another workspace composes of this service: its domain without any `forRoot`, and the migration of its tables.
 * `main.ts` is the service as a process of its own.
 */
export { CreateShippingTables } from './migrations/1-create-tables.js';
export { Shipment } from './shipping/shipment.entity.js';
export { ShippingModule } from './shipping/shipping.module.js';
