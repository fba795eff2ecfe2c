import { expectTypeOf, test } from 'vitest';
import type { TracedName } from '@dshard/api/trace';
import type { HistoryName } from '../../../src/domain/state/effects.js';

// Checked by the compiler: a renamed event would make `dso verify-trace` deaf to it.
test('the events that the checks of a trace listen to are events that the domain tells of', () => {
  expectTypeOf<TracedName>().toExtend<HistoryName>();
});
