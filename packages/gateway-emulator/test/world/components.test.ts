import { describe, expect, test } from 'vitest';
import { allComponents, readComponents } from '../../src/world/components.js';
import { readModal } from '../../src/world/modals.js';
import { RestError } from '../../src/world/rest-error.js';

const button = (more: object = {}): object => ({ type: 2, style: 1, label: 'x', custom_id: 'a', ...more });
const row = (...components: unknown[]): object => ({ type: 1, components });

/** Where Discord says that something is wrong, and its code. */
function refusal(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    const at: string[] = [];
    let errors: unknown = error.body.errors;
    for (;;) {
      const [key = ''] = Object.keys(errors as object);
      const inner = (errors as Record<string, unknown>)[key];
      if (key === '_errors') return `${at.join('.')}: ${(inner as { code: string }[])[0]?.code}`;
      at.push(key);
      errors = inner;
    }
  }
  return 'none';
}

describe('components of a message', () => {
  test.each<[string, unknown, string]>([
    ['no list', {}, 'components: BASE_TYPE_BAD_LIST'],
    ['no object', ['x'], 'components.0: MODEL_TYPE_CONVERT'],
    ['no type', [{}], 'components.0.type: UNION_TYPE_CHOICES'],
    ['an empty row', [row()], 'components.0.components: BASE_TYPE_BAD_LENGTH'],
    [
      'six in a row',
      [row(...Array.from({ length: 6 }, (_, n) => button({ custom_id: `${n}` })))],
      'components.0.components: BASE_TYPE_MAX_LENGTH',
    ],
    [
      'a button without custom_id',
      [row(button({ custom_id: undefined }))],
      'components.0.components.0.custom_id: BASE_TYPE_REQUIRED',
    ],
    [
      'a custom_id that is too long',
      [row(button({ custom_id: 'x'.repeat(101) }))],
      'components.0.components.0.custom_id: BASE_TYPE_BAD_LENGTH',
    ],
    [
      'the same custom_id twice',
      [row(button(), button())],
      'components.0.components.1.custom_id: COMPONENT_CUSTOM_ID_DUPLICATED',
    ],
    [
      'the same custom_id in two rows',
      [row(button()), row(button())],
      'components.1.components.0.custom_id: COMPONENT_CUSTOM_ID_DUPLICATED',
    ],
    [
      'a menu without options',
      [row({ type: 3, custom_id: 'm' })],
      'components.0.components.0.options: BASE_TYPE_REQUIRED',
    ],
    [
      'an option without label',
      [row({ type: 3, custom_id: 'm', options: [{ value: 'x' }] })],
      'components.0.components.0.options.0.label: BASE_TYPE_REQUIRED',
    ],
    [
      'an option twice',
      [
        row({
          type: 3,
          custom_id: 'm',
          options: [
            { label: 'x', value: 'x' },
            { label: 'y', value: 'x' },
          ],
        }),
      ],
      'components.0.components.0.options.1.value: SELECT_COMPONENT_OPTION_VALUE_DUPLICATED',
    ],
    [
      'more at least than at most',
      [row({ type: 5, custom_id: 'm', min_values: 3, max_values: 2 })],
      'components.0.components.0.min_values: NUMBER_TYPE_MAX',
    ],
    [
      'more than 25 at most',
      [row({ type: 5, custom_id: 'm', max_values: 26 })],
      'components.0.components.0.max_values: NUMBER_TYPE_MAX',
    ],
    [
      'in a container too',
      [{ type: 17, components: [row(button({ custom_id: '' }))] }],
      'components.0.components.0.components.0.custom_id: BASE_TYPE_REQUIRED',
    ],
    ['a link without custom_id', [row(button({ style: 5, custom_id: undefined, url: 'https://example.com' }))], 'none'],
    ['nothing at all', undefined, 'none'],
  ])('are read, or refused at the place of the fault: %s', (_what, components, expected) => {
    expect(refusal(() => readComponents(components))).toBe(expected);
  });

  test('are numbered from the outside in, around the numbers that they have', () => {
    const read = readComponents([
      row(button({ id: 2 }), button({ custom_id: 'b' })),
      { type: 9, components: [{ type: 10 }], accessory: button({ custom_id: 'c', id: 0 }) },
    ]);
    expect(allComponents(read).map(({ type, id }) => [type, id])).toEqual([
      [1, 1],
      [2, 2],
      [2, 3],
      [9, 4],
      [10, 5],
      [2, 6],
    ]);
  });
});

describe('a modal', () => {
  const text = { type: 4, style: 1, label: 'x', custom_id: 'a' };
  test.each<[string, unknown, string]>([
    ['without title', { custom_id: 'm', components: [row(text)] }, 'data.title: BASE_TYPE_REQUIRED'],
    [
      'with a title that is too long',
      { custom_id: 'm', title: 'x'.repeat(46), components: [row(text)] },
      'data.title: BASE_TYPE_BAD_LENGTH',
    ],
    ['without custom_id', { title: 'x', components: [row(text)] }, 'data.custom_id: BASE_TYPE_REQUIRED'],
    ['without components', { custom_id: 'm', title: 'x' }, 'data.components: BASE_TYPE_BAD_LENGTH'],
    [
      'of six components',
      { custom_id: 'm', title: 'x', components: Array.from({ length: 6 }, () => row(text)) },
      'data.components: BASE_TYPE_MAX_LENGTH',
    ],
    [
      'with a button',
      { custom_id: 'm', title: 'x', components: [row(button())] },
      'data.components.0.type: UNION_TYPE_CHOICES',
    ],
    [
      'with a label around nothing',
      { custom_id: 'm', title: 'x', components: [{ type: 18, label: 'x' }] },
      'data.components.0.component: BASE_TYPE_REQUIRED',
    ],
    [
      'as it should be',
      { custom_id: 'm', title: 'x', components: [row(text), { type: 10, content: 'hello' }] },
      'none',
    ],
  ])('%s is read, or refused at the place of the fault', (_what, modal, expected) => {
    expect(refusal(() => readModal(modal))).toBe(expected);
  });
});
