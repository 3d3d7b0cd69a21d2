/**
 * Lines of JSON that survive the death of their writer: each is handed to the kernel before `append` returns.
 */
import { existsSync, openSync, readFileSync, writeSync } from 'node:fs';

export class LineFile<T> {
  #descriptor: number | null = null;

  constructor(readonly path: string) {}

  append(line: T): void {
    this.#descriptor ??= openSync(this.path, 'a');
    writeSync(this.#descriptor, `${JSON.stringify(line)}\n`);
  }

  read(): T[] {
    if (!existsSync(this.path)) return [];
    const lines = readFileSync(this.path, 'utf8').split('\n');
    return lines.filter((line) => line.endsWith('}')).map((line) => JSON.parse(line));
  }
}
