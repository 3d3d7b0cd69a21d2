/**
 * Registers a generated class in the nearest module, and finds the module for its spec.
 * A project without any module above the new file is refused before anything is written.
 */
import ts from 'typescript';
import { nearestModule } from '../code/classes.js';
import { addImport } from '../code/imports.js';
import { addElements, addToModule, moduleIn } from '../code/module-metadata.js';
import { callsOf, SourceEdit } from '../code/source-edit.js';
import { editFile } from '../code/write.js';
import { importPath, type Project } from '../project/project.js';
import { join, textOf } from '../project/tree.js';

export interface Place {
  readonly path: string;
  readonly className: string;
}

export interface RegistrationOptions {
  readonly skipImport?: boolean;
  readonly module?: string;
}

/** The module that a new class below `folder` belongs to. */
export function moduleFor({ tree, sourceRoot }: Project, folder: string, given: string | undefined): Place {
  const named =
    given === undefined
      ? undefined
      : [given, join(sourceRoot, given)].map((path) => join(path)).find((path) => tree.exists(path));
  const path = given === undefined ? nearestModule(tree, folder) : named;
  if (path === undefined) {
    const what = given === undefined ? `no *.module.ts in ${folder} or above it` : `no ${given}`;
    throw new Error(
      `There is ${what}. Make one ("nest g module …"), or name it by --module. Nothing was changed.`,
    );
  }
  return { path, className: moduleIn(new SourceEdit(path, textOf(tree, path)!)).name };
}

export async function register(
  project: Project,
  module: Place,
  list: 'controllers' | 'providers',
  classes: readonly Place[],
): Promise<void> {
  await editFile(project.tree, module.path, (edit) => {
    addToModule(edit, list, ...classes.map(({ className }) => className));
    for (const { path, className } of classes)
      addImport(edit, [className], importPath(project, module.path, path));
  });
}

/** `TypeOrmModule.forFeature([…])` with the entity, in the module that asks for its repository. */
export async function registerEntity(project: Project, module: Place, entity: Place): Promise<void> {
  await editFile(project.tree, module.path, (edit) => {
    const [feature] = callsOf(edit.source, 'TypeOrmModule.forFeature');
    const list = feature?.arguments[0];
    if (list !== undefined && ts.isArrayLiteralExpression(list)) addElements(edit, list, [entity.className]);
    else addToModule(edit, 'imports', `TypeOrmModule.forFeature([${entity.className}])`);
    addImport(edit, ['TypeOrmModule'], '@nestjs/typeorm');
    addImport(edit, [entity.className], importPath(project, module.path, entity.path));
  });
}
