/**
 * Runs the built `exactly-once` as an operator does: a process of its own, with its words and its environment.
 * The test's own environment does not reach it, but for what finds programs.
 */
import { execFile } from 'node:child_process';

export interface ToolResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const tool = 'dist/exactly-once.js';

export function runTool(words: readonly string[], env: Record<string, string> = {}): Promise<ToolResult> {
  return new Promise((done) => {
    const options = { env: { PATH: process.env['PATH'] ?? '', ...env }, timeout: 30_000 };
    execFile(process.execPath, [tool, ...words], options, (error, out, err) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      done({ code, out, err });
    });
  });
}
