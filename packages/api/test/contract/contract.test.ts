import { describe, expect, test } from 'vitest';
import { CONTRACT, ENDPOINT_NAMES } from '../../src/contract/contract.js';
import type { Parameter } from '../../src/endpoint.js';
import { KINDS_OF_OPERATIONS, OPERATION_KINDS } from '../../src/operations.js';
import { requestFor } from '../../src/contract/request.js';

const entries = ENDPOINT_NAMES.map((name) => [name, CONTRACT[name]] as const);

describe('the contract', () => {
  test('asks each thing in a place of its own', () => {
    const places = entries.flatMap(([, { method, path, alsoAt }]) =>
      [path, ...(alsoAt === undefined ? [] : [alsoAt])].map((each) => `${method} ${each}`),
    );
    expect(new Set(places).size).toBe(places.length);
  });

  test('gives each command a name of its own', () => {
    const names = entries.flatMap(([, { command }]) => (command === null ? [] : [command.name, command.alias ?? []]));
    expect(new Set(names.flat()).size).toBe(names.flat().length);
  });

  test.each(entries)('knows every parameter that %s has in its path or on the command line', (_name, entry) => {
    const inPath = [...entry.path.matchAll(/:(\w+)/g)].map(([, name]) => name);
    const typed = (entry.command?.arguments ?? []).map(({ parameter }) => parameter);
    const options = (entry.command?.options ?? []).map(({ flags }) => nameOf(flags));
    expect(Object.keys(entry.parameters)).toEqual(expect.arrayContaining([...inPath, ...typed, ...options]));
  });

  test.each(entries)('lets whoever types %s say all that has to be said', (_name, { parameters, command }) => {
    const needed = Object.entries(parameters).flatMap(([name, { fallback }]) => (fallback === undefined ? [name] : []));
    const typed = command === null ? needed : (command.arguments ?? []).map(({ parameter }) => parameter);
    expect(typed).toEqual(expect.arrayContaining(needed));
  });

  test.each(entries)('has a fallback for %s that its parameter itself takes', (_name, { parameters }) => {
    for (const { field, fallback } of Object.values(parameters as Record<string, Parameter<unknown>>)) {
      if (fallback !== undefined && fallback !== null && !Array.isArray(fallback)) {
        expect(field.read(fallback)).toEqual(fallback);
      }
    }
  });
});

/** As commander names what `--keep-old <time>` says. */
function nameOf(flags: string): string {
  const [, words = ''] = /--(?:no-)?([a-z-]+)/.exec(flags) ?? [];
  return words.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

describe.each(KINDS_OF_OPERATIONS)('an operation of the kind %s', (kind) => {
  const { parameters, commands } = OPERATION_KINDS[kind];

  test('has commands that say all that has to be said, and nothing else', () => {
    const needed = Object.entries(parameters as Record<string, Parameter<unknown>>).flatMap(([name, { fallback }]) =>
      fallback === undefined ? [name] : [],
    );
    for (const words of commands) {
      const typed = (words.arguments ?? []).map(({ parameter }): string => parameter);
      const options = (words.options ?? []).map(({ flags }) => nameOf(flags));
      expect(typed).toEqual(expect.arrayContaining(needed));
      expect(Object.keys(parameters)).toEqual(expect.arrayContaining([...typed, ...options]));
    }
  });

  test('has commands that no other has', () => {
    const names = commands.flatMap(({ name, alias }) => [name, alias ?? []]).flat();
    const others = [
      ...entries.map(([, { command }]) => command),
      ...KINDS_OF_OPERATIONS.filter((each) => each !== kind).flatMap((each) => [...OPERATION_KINDS[each].commands]),
    ];
    const taken = others.flatMap((command) => (command === null ? [] : [command.name, command.alias ?? []])).flat();
    expect(names.filter((name) => taken.includes(name))).toEqual([]);
  });
});

describe('a request', () => {
  test('has its parameters in a form, and those of the path in the path', () => {
    expect(requestFor('stopShard', { shard: '3' })).toEqual({ method: 'POST', path: '/stopshard', body: 'shard=3' });
    expect(requestFor('cancelOperation', { id: 'r/1' })).toEqual({
      method: 'POST',
      path: '/v1/operations/r%2F1/cancel',
      body: '',
    });
  });

  test('has its parameters in the query when it changes nothing', () => {
    expect(requestFor('status')).toEqual({ method: 'GET', path: '/v1/status', body: null });
    expect(requestFor('events', { after: '7', limit: '5' }).path).toBe('/v1/events?after=7&limit=5');
  });
});
