import { describe, expect, test } from 'vitest';
import { commonJsDeclarations, reachedFrom, specifiersOf } from '../src/declarations.js';

describe('declarations for CommonJS', () => {
  test.each([
    ['an import of types', "import type { A } from './a.js';", "import type { A } from './a.cjs';"],
    ['an export', 'export { a, b } from "../up/a.js";', 'export { a, b } from "../up/a.cjs";'],
    ['a type that imports', "declare const a: import('./a.js').A;", "declare const a: import('./a.cjs').A;"],
    ['an import for its effect', "import './a.js';", "import './a.cjs';"],
    ['another package', "import type { B } from '@dshard/protocol';", "import type { B } from '@dshard/protocol';"],
    ['a comment', "/** As in `from './a.js'`. */", "/** As in `from './a.js'`. */"],
    ['a string that is no specifier', "type File = './a.js';", "type File = './a.js';"],
    [
      'a package with ES modules only',
      "import type { TSchema } from 'typebox';",
      "import type { TSchema } from 'typebox' with { 'resolution-mode': 'import' };",
    ],
  ])('have the right specifier where there is %s', (_, written, right) => {
    expect(commonJsDeclarations(written)).toBe(right);
  });

  test('keep the lines, so that the source map of the declarations is that of both', () => {
    const text = "import type { A } from './a.js';\nexport type B = A;\n//# sourceMappingURL=b.d.ts.map\n";
    expect(commonJsDeclarations(text).split('\n')).toHaveLength(text.split('\n').length);
    expect(commonJsDeclarations(text)).toContain('//# sourceMappingURL=b.d.ts.map');
  });
});

test('what an entry reaches is found through folders and circles, once each', () => {
  const files: Record<string, string> = {
    'hosts/ws/index.d.ts': "export { a } from './a.js';\nexport type { S } from '../state.js';",
    'hosts/ws/a.d.ts': "import type { S } from '../state.js';\nexport declare const a: S;",
    'hosts/state.d.ts': "import type { T } from './ws/a.js';\nexport type S = import('node:net').Socket;",
  };
  const reached = reachedFrom('hosts/ws/index.d.ts', (path) => files[path] ?? expect.fail(`${path} was read`));
  expect([...reached.keys()].sort()).toEqual(Object.keys(files).sort());
});

test('specifiers in comments are not imports', () => {
  expect(specifiersOf("// import './a.js'\n/* from './b.js' */\nimport type { C } from './c.js';")).toEqual(['./c.js']);
});
