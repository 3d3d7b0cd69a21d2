/** The key whose events always fail, in the benchmark `failures`. */
export const failingKey = 'order-failing';
