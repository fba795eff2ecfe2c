import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { cases } from '../src/cases.js';
import { folderOf, libraryNames } from '../src/libraries.js';
import { faultOf, libraryFaults } from '../src/library-faults.js';

describe('the faults that libraries are blamed for', () => {
  test.each(libraryFaults)('$library $cases $check stands in $place', ({ library, place, source }) => {
    const [file = '', line = ''] = place.split(':');
    const lines = readFileSync(`${folderOf(library)}/${file}`, 'utf8').split('\n');
    expect(lines[Number(line) - 1]?.trim()).toBe(source);
  });

  test('are of libraries and cases in the suite, one for each check', () => {
    for (const fault of libraryFaults) {
      expect(libraryNames).toContain(fault.library);
      for (const name of fault.cases) {
        expect(cases.map((one) => one.name)).toContain(name);
        expect(faultOf(fault.library, name, fault.check)).toBe(fault);
      }
    }
  });

  test('excuse no other check, case or library', () => {
    expect(faultOf('eris', 'op9', 'lost')).toBeNull();
    expect(faultOf('discord.js', 'op9', 'early-identify')).toBeNull();
  });
});
