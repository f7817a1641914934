// A compiler transform that describes a module's exported and imported functions for as-bind's runtime, in the custom
// section that it reads. as-bind's own transform loads the compiler with require(), which AssemblyScript ended with
// 0.20; this one is written against today's compiler. src/core/bind.ts has the other half: converters for the object
// layouts of today's AssemblyScript.

import * as compiler from 'assemblyscript';
import { Transform } from 'assemblyscript/transform';

// Enumerations that are objects at run time and `const enum` to the type checker.
const { CommonFlags, NodeKind } = /** @type {Record<'CommonFlags' | 'NodeKind', Record<string, number>>} */ (
  /** @type {unknown} */ (compiler)
);

/** @param {import('assemblyscript').Type} type */
function typeName(type) {
  return type.getClass()?.internalName ?? type.toString();
}

/** @param {import('assemblyscript').Function} instance */
function describe(instance) {
  return {
    returnType: typeName(instance.signature.returnType),
    parameters: instance.signature.parameterTypes.map(typeName),
  };
}

/**
 * @param {import('assemblyscript').Type} type
 * @param {Record<string, { id: number, byteSize: number }>} ids gets the type's class and those of its arguments
 */
function collect(type, ids) {
  const cls = type.getClass();
  if (!cls) return;
  ids[cls.internalName] = { id: cls.id, byteSize: cls.nextMemoryOffset };
  for (const argument of cls.typeArguments ?? []) collect(argument, ids);
}

export default class AsBindTransform extends Transform {
  /** @param {import('assemblyscript').Module} module */
  afterCompile(module) {
    const { program } = /** @type {{ program: import('assemblyscript').Program }} */ (/** @type {unknown} */ (this));
    /** @type {Record<string, { id: number, byteSize: number }>} */
    const typeIds = {};
    // Strings and arrays are made of these two, whatever the signatures name.
    for (const cls of [program.arrayBufferInstance, program.stringInstance]) collect(cls.type, typeIds);
    /** @type {Record<string, Record<string, object>>} */
    const importedFunctions = {};
    /** @type {Record<string, object>} */
    const exportedFunctions = {};

    for (const element of program.elementsByDeclaration.values()) {
      if (element.internalName.startsWith('~') || element.declaration.kind !== NodeKind.FunctionDeclaration) continue;
      const prototype = /** @type {import('assemblyscript').FunctionPrototype} */ (element);
      const isImport = element.is(CommonFlags.Ambient);
      if (!isImport && !element.is(CommonFlags.ModuleExport)) continue;
      const instance = prototype.instances?.get('');
      if (!instance) continue; // never compiled: declared but unused, or generic
      const { returnType, parameterTypes } = instance.signature;
      for (const type of [returnType, ...parameterTypes]) collect(type, typeIds);
      if (isImport) {
        const [module_, name] = importName(prototype);
        (importedFunctions[module_] ??= {})[name] = describe(instance);
      } else {
        exportedFunctions[element.name] = describe(instance);
      }
    }
    const text = JSON.stringify({ typeIds, importedFunctions, exportedFunctions });
    module.addCustomSection('as-bind_bindings', new TextEncoder().encode(text));
  }
}

/**
 * Module and name under which a declared function is imported: @external's arguments, else the file's name and its own.
 * @param {import('assemblyscript').FunctionPrototype} prototype
 * @returns {[string, string]}
 */
function importName(prototype) {
  const file = prototype.declaration.range.source.internalPath.split('/').pop() ?? '';
  for (const decorator of prototype.declaration.decorators ?? []) {
    if (/** @type {{ text?: string }} */ (decorator.name).text !== 'external') continue;
    const texts = (decorator.args ?? []).map((arg) => /** @type {{ value?: string }} */ (arg).value ?? '');
    if (texts.length === 2) return [texts[0], texts[1]];
    if (texts.length === 1) return [file, texts[0]];
  }
  return [file, prototype.name];
}
