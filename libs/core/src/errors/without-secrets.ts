/**
 * Takes the secrets of a configuration out of a message: drivers and applications put the URL of what they could not reach into
 * their errors, and errors are kept, published and logged.
 *
 * Rather hides too much than too little. Takes time in proportion to the text, whatever stands in it.
 */

/** From `//` on: a name, a colon, a password, an `@`; the last one of the word, because a password may hold another. */
const credentials = /:\/\/[^\s:@"'<>]{0,128}:[^\s"'<>]{1,512}@/g;

const named = /(password|passwd|pwd|secret|api_?key|access_?token)(=|":\s?")[^\s"'&;,]{1,512}/gi;

export function withoutSecrets(text: string): string {
  return text.replace(credentials, '://***@').replace(named, '$1$2***');
}
