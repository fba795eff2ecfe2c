import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { blocksOrBar } from '../../src/model/blocks.js';

const share = (kind: 'up' | 'down' | 'hole', count: number) => ({ kind, count });

describe('blocks and bars', () => {
  test('are blocks where there is room, one for each, with what is missing as holes', () => {
    const drawn = blocksOrBar([share('up', 3), share('down', 1)], { total: 6, width: 400, hole: 'hole' });
    expect(drawn).toMatchObject({ as: 'blocks', blocks: ['up', 'up', 'up', 'down', 'hole', 'hole'] });
  });

  test('become a bar where blocks were too small to point at', () => {
    const drawn = blocksOrBar([share('up', 300)], { total: 400, width: 400, hole: 'hole' });
    expect(drawn).toEqual({
      as: 'bar',
      parts: [
        { kind: 'up', count: 300, width: 300 },
        { kind: 'hole', count: 100, width: 100 },
      ],
    });
  });

  test('show one shard among thousands', () => {
    const drawn = blocksOrBar([share('up', 4_999), share('down', 1)], { total: 5_000, width: 300, hole: 'hole' });
    expect(drawn.as === 'bar' && drawn.parts.find(({ kind }) => kind === 'down')?.width).toBe(3);
  });

  test('never leave the width, whatever there is', () => {
    const counts = fc.tuple(fc.nat(5_000), fc.nat(5_000));
    fc.assert(
      fc.property(counts, fc.nat(9_000), fc.integer({ min: 60, max: 2_000 }), ([up, down], total, width) => {
        const drawn = blocksOrBar([share('up', up), share('down', down)], { total, width, hole: 'hole' });
        if (drawn.as === 'blocks') {
          expect(drawn.blocks).toHaveLength(Math.max(total, up + down));
          expect(drawn.blocks.length * (drawn.size + drawn.gap)).toBeLessThanOrEqual(width);
        } else {
          const sum = drawn.parts.reduce((all, part) => all + part.width, 0);
          expect(sum).toBeLessThanOrEqual(width + 0.001);
        }
      }),
    );
  });
});
