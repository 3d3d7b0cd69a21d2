/**
 * The books of each service, each in one statement: rows that were written in one transaction are then seen together,
 * whatever the isolation. Only reads and takes no lock; a row as JSON, so a `bigint` comes as a number.
 */

/** One row: `orders`. */
export const orderBooks = `
SELECT coalesce(json_agg(json_build_object(
  'id', "id",
  'totalCents', "totalCents",
  'paidCents', "paidCents",
  'state', "state",
  'shipped', "shippedAt" IS NOT NULL,
  'cancelled', "cancelledAt" IS NOT NULL
) ORDER BY "placedAt", "id"), '[]') AS "orders"
FROM "order"`;

/** One row: `payments`, `refusals`, `accounts`. */
export const paymentBooks = `
SELECT
  (SELECT coalesce(json_agg(json_build_object(
    'orderId', "orderId", 'cents', "cents", 'chargeId', "chargeId"
  )), '[]') FROM "payment") AS "payments",
  (SELECT coalesce(json_agg(json_build_object('orderId', "orderId", 'cents', "cents")), '[]')
    FROM "refusal") AS "refusals",
  (SELECT coalesce(json_agg(json_build_object('name', "name", 'cents', "cents")), '[]')
    FROM "account") AS "accounts"`;

/** One row: `shipments`. */
export const shippingBooks = `
SELECT coalesce(json_agg(json_build_object('orderId', "orderId")), '[]') AS "shipments" FROM "shipment"`;

/** One row: `notifications`. */
export const notificationBooks = `
SELECT coalesce(json_agg(json_build_object('orderId', "orderId", 'about', "about")), '[]') AS "notifications"
FROM "notification"`;
