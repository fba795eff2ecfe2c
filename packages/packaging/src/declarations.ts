/**
 * Declarations of a module, and the same for CommonJS. TypeScript takes `x.d.cts` for the declarations of a CommonJS
 * module; what such a file imports must be CommonJS as well, so every file that an entry reaches is there twice, with
 * `.js` turned into `.cjs`.
 */
import { posix } from 'node:path';

/** A comment (skipped), or the specifier of `from '…'`, `import '…'` or `import('…')`. */
const COMMENT_OR_SPECIFIER = /\/\*[^]*?\*\/|\/\/[^\n]*|((?:\bfrom |\bimport |\bimport\())(['"])([^'"\n]+)\2/g;

export function specifiersOf(text: string): readonly string[] {
  return [...text.matchAll(COMMENT_OR_SPECIFIER)].flatMap((match) => (match[3] === undefined ? [] : [match[3]]));
}

/** The declarations that `entry` leads to, itself among them. `read` takes a path and throws where there is nothing. */
export function reachedFrom(entry: string, read: (path: string) => string): ReadonlyMap<string, string> {
  const reached = new Map<string, string>();
  const waiting = [entry];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (reached.has(path)) continue;
    const text = read(path);
    reached.set(path, text);
    for (const specifier of specifiersOf(text)) {
      if (isRelative(specifier)) waiting.push(declarationOf(path, specifier));
    }
  }
  return reached;
}

export function isRelative(specifier: string): boolean {
  return specifier.startsWith('./') || specifier.startsWith('../');
}

function declarationOf(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.d.ts');
}

/** Packages whose declarations are those of ES modules only. A CommonJS file may name their types when it says so. */
const ES_MODULES_ONLY = /^(import type [^;]+ from '(?:typebox|@discordeno\/gateway)');$/gm;

/** The comment with the source map stays: lines are the same, so an editor finds the source from here, too. */
export function commonJsDeclarations(text: string): string {
  const twin = text.replace(
    COMMENT_OR_SPECIFIER,
    (whole: string, keyword?: string, quote?: string, specifier?: string): string =>
      keyword === undefined || quote === undefined || specifier === undefined || !isRelative(specifier)
        ? whole
        : `${keyword}${quote}${specifier.replace(/\.js$/, '.cjs')}${quote}`,
  );
  return twin.replace(ES_MODULES_ONLY, "$1 with { 'resolution-mode': 'import' };");
}

/** Loads the module itself: whoever imports and whoever requires gets one instance, with one state. */
export function commonJsModule(fileName: string): string {
  return `'use strict';\nmodule.exports = require('./${fileName}');\n`;
}
