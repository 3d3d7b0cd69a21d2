/**
 * Runs generators on a project in memory, for specs, in a process of its own: the engine's test runner does not load in
 * jest on Node 20. Takes a project and what to run on it, answers with its files; ends with its parent.
 */
import { resolve } from 'node:path';
import { Tree } from '@angular-devkit/schematics';
import { SchematicTestRunner, UnitTestTree } from '@angular-devkit/schematics/testing/index.js';
import type { Generated, GeneratorRequest } from './generated.js';

const collection = resolve('dist/schematics/collection.json');

async function answer({ files, runs }: GeneratorRequest): Promise<Generated> {
  const runner = new SchematicTestRunner('exactly-once', collection);
  const said: string[] = [];
  runner.logger.subscribe(({ message }) => said.push(message));
  let tree = new UnitTestTree(Tree.empty());
  for (const [path, text] of Object.entries(files)) tree.create(path, text);
  try {
    for (const [schematic, options] of runs) tree = await runner.runSchematic(schematic, options, tree);
  } catch (error) {
    return { files: {}, said, tasks: [], error: (error as Error).message };
  }
  const written = tree.files.map((path) => [path.slice(1), tree.readContent(path)] as const);
  return {
    files: Object.fromEntries(written),
    said,
    tasks: runner.tasks.map(({ name }) => name),
    error: null,
  };
}

process.on('message', (request: GeneratorRequest) => {
  void answer(request).then((generated) => process.send!({ id: request.id, generated }));
});
process.on('disconnect', () => process.exit());
