/**
 * Whether a package's dependencies stand in its `node_modules` as its lock file says. npm leaves there what it installed,
 * in the lock file's own form.
 */

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly optional?: boolean }>>;
}

/** Optional ones, of another platform say, may be missing. The package itself does not stand among the installed ones. */
export function isInstalled(due: Lock, installed: Lock | null): boolean {
  return Object.entries(due.packages).every(([place, { version, optional = false }]) => {
    if (place === '') return installed !== null;
    const found = installed?.packages[place];
    return found === undefined ? optional : found.version === version;
  });
}
