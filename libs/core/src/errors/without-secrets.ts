/**
 * Takes the secrets of a configuration out of a message: drivers and applications put the URL of what they could not reach, or
 * the options they were given, into their errors, and errors are kept, published and logged.
 *
 * Rather hides too much than too little. Takes time in proportion to the text, whatever stands in it.
 */

/** From `//` on: a name, a colon, a password, an `@`; the last one of the word, because a password may hold another. */
const credentials = /:\/\/[^\s:@"'<>]{0,128}:[^\s"'<>]{1,512}@/g;

const named = /(password|passwd|pwd|secret|api_?key|access_?token)(=|":\s?")[^\s"'&;,]{1,512}/gi;

/** Options whose texts are secrets, whoever's they are: of pg, of TypeORM, of kafkajs, of TLS. */
const secretName = /pass(word|wd|phrase)|secret|token|^pwd$|^key$|^pfx$|api_?key|^accesskeyid$/i;
const urlName = /^ur[li]$|connectionstring/i;
/** Shorter ones would hide words that say something. */
const leastLength = 4;
const mostDepth = 6;

/** Of the whole process, longest first: what holds another one is hidden whole. */
let known: readonly string[] = [];

/**
 * From now on the secrets among these options, by the names that drivers give them, appear in no message. Options that are
 * functions, or objects of classes, are not asked.
 */
export function hideSecretsOf(options: unknown): void {
  const found = new Set(known);
  collect(options, '', mostDepth, (secret) => {
    for (const text of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)])
      found.add(text);
  });
  known = [...found].sort((one, other) => other.length - one.length);
}

export function withoutSecrets(text: string): string {
  const hidden = known.reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
  return hidden.replace(credentials, '://***@').replace(named, '$1$2***');
}

function collect(value: unknown, name: string, depth: number, keep: (secret: string) => void): void {
  if (typeof value === 'string' || value instanceof Uint8Array) {
    const text = typeof value === 'string' ? value : Buffer.from(value).toString();
    const secret = secretName.test(name) ? text : urlName.test(name) ? passwordIn(text) : '';
    if (secret.trim().length >= leastLength) keep(secret);
  } else if (depth > 0 && Array.isArray(value)) {
    for (const one of value) collect(one, name, depth - 1, keep);
  } else if (depth > 0 && isPlain(value)) {
    for (const [own, one] of Object.entries(value)) collect(one, own, depth - 1, keep);
  }
}

function passwordIn(url: string): string {
  try {
    return decodeURIComponent(new URL(url).password);
  } catch {
    return '';
  }
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
