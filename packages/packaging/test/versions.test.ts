import { describe, expect, test } from 'vitest';
import { firstAndLast, inRange, newestPreview, releasesOf } from '../src/versions/candidates.js';
import type { Tried } from '../src/versions/report.js';
import { faultOf, pageOf, summaryOf } from '../src/versions/report.js';
import type { Verdict } from '../src/versions/try-version.js';

const VERSIONS = [
  '13.9.0',
  '14.0.0-dev.1',
  '14.10.2',
  '14.2.0',
  '14.2.1',
  '14.2.3',
  '14.10.0',
  '15.0.0-dev.1',
  '15.0.0-dev.2',
];

describe('the versions that are tried', () => {
  test('are releases, in the order of their numbers', () => {
    const releases = releasesOf(VERSIONS, 14).map(({ version }) => version);
    expect(releases).toEqual(['14.2.0', '14.2.1', '14.2.3', '14.10.0', '14.10.2']);
  });

  test('are the first and the last of each minor version', () => {
    const chosen = firstAndLast(releasesOf(VERSIONS, 14)).map(({ version }) => version);
    expect(chosen).toEqual(['14.2.0', '14.2.3', '14.10.0', '14.10.2']);
  });

  test('have the newest preview of what comes next among them', () => {
    expect(newestPreview(VERSIONS, 15)).toEqual(['15.0.0-dev.2']);
    expect(newestPreview(VERSIONS, 16)).toEqual([]);
  });

  test.each([
    ['14.9.0', false],
    ['14.10.1', false],
    ['14.10.2', true],
    ['14.28.1', true],
    ['15.0.0', false],
    ['15.0.0-dev.2', false],
  ])('%s is in the range ^14.10.2: %s', (version, expected) => {
    expect(inRange(version, '^14.10.2')).toBe(expected);
  });
});

describe('the outcome of a version that was tried', () => {
  const tried = (version: string, verdict: Verdict): Tried => ({ version, verdict, seconds: 1 });
  const refused: Verdict = { kind: 'refused', sentence: 'has no x' };
  const failed: Verdict = { kind: 'failed', problem: 'lost a message' };

  test.each<[string, Tried, string | null]>([
    ['passes in the range', tried('14.11.0', { kind: 'passed' }), null],
    ['is refused outside of it', tried('14.9.0', refused), null],
    ['fails in the range', tried('14.11.0', failed), 'it is in the range'],
    ['is refused in the range', tried('14.11.0', refused), 'it is in the range'],
    ['fails outside of the range', tried('14.9.0', failed), 'should have been refused by name'],
    ['passes outside of the range', tried('14.9.0', { kind: 'passed' }), 'could be'],
  ])('is ok only where the peer range says so: %s', (_, one, fault) => {
    if (fault === null) expect(faultOf(one, '^14.10.2')).toBeNull();
    else expect(faultOf(one, '^14.10.2')).toContain(fault);
  });

  test('is not ok when nothing was tried', () => {
    expect(summaryOf([], '^14.10.2').ok).toBe(false);
  });

  test('names on the page what a refused version lacks', () => {
    expect(pageOf([tried('14.9.0', refused)], '^14.10.2')).toContain('| 14.9.0 | refused | has no x |');
  });
});
