/**
 * Names of files, classes and members from the words of a command line.
 *
 * The Nest CLI hands names over in kebab-case, whatever was typed; a name that TypeScript would not take is refused
 * before anything is written.
 */
export function kebab(text: string): string {
  return text
    .trim()
    .replace(/([a-z\d])([A-Z])/g, '$1-$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1-$2')
    .toLowerCase()
    .replace(/[\s_]+/g, '-');
}

/** As Nest's own generators keep it: in lower case, with the underscores that it has. */
function folderName(text: string): string {
  return text
    .trim()
    .replace(/([a-z\d])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replace(/\s/g, '-');
}

export function pascal(text: string): string {
  return kebab(text)
    .split(/[-./]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}

export function camel(text: string): string {
  const name = pascal(text);
  return name.charAt(0).toLowerCase() + name.slice(1);
}

/** Of an English noun, as topics are called. */
export function plural(noun: string): string {
  if (/[^aeiou]y$/.test(noun)) return `${noun.slice(0, -1)}ies`;
  if (/(s|x|z|ch|sh)$/.test(noun)) return `${noun}es`;
  return `${noun}s`;
}

export interface Words {
  /** Folder below the source root; empty for the root itself. */
  readonly folder: string;
  /** In kebab-case. */
  readonly name: string;
  /** What stands behind a colon; empty where there is none. */
  readonly detail: string;
}

/** `payments/capture:OrderPlaced`. Throws for what cannot be a file's and a class's name. */
export function readName(given: string | undefined, { what, example, path = '' }: Naming): Words {
  if (given === undefined || given.trim() === '') {
    throw new Error(`The ${what} has no name. Say one, for example ${example}. Nothing was changed.`);
  }
  const [place = '', ...detail] = given.split(':');
  const parts = [...path.split('/'), ...place.split('/')].filter((part) => part !== '' && part !== '.');
  const name = kebab(parts.pop() ?? '');
  if (!/^[a-z][a-z\d]*([-.][a-z\d]+)*$/.test(name) || name === 'constructor') throw badName(given, example);
  const folders = parts.map(folderName);
  if (folders.some((folder) => !/^[\w@-][\w@.-]*$/.test(folder))) throw badName(given, example);
  return { folder: folders.join('/'), name, detail: detail.join(':').trim() };
}

interface Naming {
  readonly what: string;
  readonly example: string;
  /** In front of the name's own. */
  readonly path?: string;
}

/** The name of an event's, an entity's or a step's class. */
export function readClass(given: string, option: string): string {
  if (/^[a-z][a-z\d_-]*$/i.test(given.trim()))
    return given.includes('-') ? pascal(given) : upperFirst(given.trim());
  throw new Error(`${option} is "${given}", which cannot be the name of a class. Nothing was changed.`);
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function badName(given: string, example: string): Error {
  return new Error(
    `"${given}" cannot be a name: letters, digits and dashes, a letter first, folders before a slash, ` +
      `for example ${example}. Nothing was changed.`,
  );
}
