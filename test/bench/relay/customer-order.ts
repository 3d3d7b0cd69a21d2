/**
 * Numbered orders of about 200 bytes, of a thousand customers each of whom is a key.
 */
import { orderMessage } from '../harness/produce-events.js';

const customers = 1_000;

/** Order number n: its event's id, its key and its body. */
export function customerOrder(number: number) {
  const { headers, value } = orderMessage(number);
  return { id: headers.ce_id, key: `customer-${number % customers}`, value };
}
