/** The machine of a gateway shard, event by event: where each axis goes from each of its states. `·`: it stays. */
import { describe, expect, test } from 'vitest';
import type { GatewayShardEvent } from '../../src/gateway-shard/events.js';
import { deliveryKind } from '../../src/gateway-shard/state.js';
import type { DeliveryKind, Link, Mode } from '../../src/gateway-shard/state.js';
import { dispatch, LINKS, Machine, READY, resumed, resuming, SESSION } from './machine.js';

const EVENTS: Readonly<Record<string, GatewayShardEvent>> = {
  hello: { kind: 'hello' },
  lease: { kind: 'lease', outcome: 'confirmed' },
  timedOut: { kind: 'lease', outcome: 'timedOut' },
  located: { kind: 'located', url: 'wss://gateway.discord.gg/' },
  permit: { kind: 'permit' },
  READY,
  RESUMED: dispatch(12, 'RESUMED'),
  'op 7': { kind: 'reconnect' },
  'op 9': { kind: 'invalidSession', resumable: true },
  'op 9 gone': { kind: 'invalidSession', resumable: false },
  zombie: { kind: 'zombie' },
  '1006': { kind: 'closed', code: 1006 },
  '4007': { kind: 'closed', code: 4007 },
  '4014': { kind: 'closed', code: 4014 },
  late: { kind: 'tick' },
  freeze: { kind: 'freeze' },
  stop: { kind: 'stop', code: 4200 },
};

/** The words of a table's lines. */
function rowsOf(table: string): string[][] {
  return table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s*\|\s*/u));
}

/** `late` is after every deadline, and before the quiet is doubted. */
const LATE_MS = 20_000;

describe('the link', () => {
  const [header = [], ...rows] = rowsOf(`
    link           | hello          | lease      | timedOut    | located    | permit      | READY | RESUMED | op 7    | op 9    | op 9 gone | zombie  | 1006 | 4007 | 4014 | late    | stop
    down           | ·              | ·          | ·          | ·          | ·           | ·     | ·       | ·       | ·       | ·         | ·       | ·    | ·    | ·    | asking  | ·
    asking         | ·              | connecting | connecting | ·          | ·           | ·     | ·       | ·       | ·       | ·         | ·       | ·    | ·    | ·    | ·       | down
    locating       | ·              | ·          | ·          | connecting | ·           | ·     | ·       | ·       | ·       | ·         | ·       | ·    | ·    | ·    | ·       | down
    connecting     | waiting        | ·          | ·          | ·          | ·           | ·     | ·       | closing | closing | closing   | closing | down | down | down | closing | closing
    waiting        | ·              | resuming   | resuming   | ·          | ·           | ·     | ·       | closing | closing | closing   | closing | down | down | down | ·       | closing
    awaitingPermit | ·              | ·          | ·          | ·          | identifying | ·     | ·       | closing | closing | closing   | closing | down | down | down | ·       | closing
    identifying    | ·              | ·          | ·          | ·          | ·           | ready | ·       | closing | closing | closing   | closing | down | down | down | closing | closing
    resuming       | ·              | ·          | ·          | ·          | ·           | ·     | ready   | closing | closing | closing   | closing | down | down | down | closing | closing
    ready          | ·              | ·          | ·          | ·          | ·           | ·     | ·       | closing | closing | closing   | closing | down | down | down | ·       | closing
    closing        | ·              | ·          | ·          | ·          | ·           | ·     | ·       | ·       | ·       | ·         | ·       | down | down | down | asking  | ·
  `);
  const cells = rows.flatMap(([link = '', ...next]) =>
    next.map((to, column) => [link as Link['kind'], header[column + 1] ?? '', to] as const),
  );

  test.each(cells)('the link is %s, and at %s becomes: %s', (link, event, to) => {
    const machine = LINKS[link]();
    expect(machine.state.link.kind).toBe(link);
    if (event === 'late') machine.ms += LATE_MS;
    machine.on(EVENTS[event] as GatewayShardEvent);
    expect(machine.state.link.kind).toBe(to === '·' ? link : to);
  });

  test('every kind of link has its line', () => {
    expect(rows.map(([link]) => link)).toEqual(Object.keys(LINKS));
  });
});

describe('the mode', () => {
  const MODES: Readonly<Record<Mode['kind'], () => Machine>> = {
    new: () => new Machine(),
    open: () => resumed(),
    preconnected: () =>
      new Machine().on({ kind: 'preconnect' }, { kind: 'lease', outcome: 'confirmed' }, { kind: 'hello' }),
    frozen: () => resumed().on({ kind: 'freeze' }),
    refused: () => resumed().on({ kind: 'closed', code: 4004 }),
    stopped: () => resumed().on({ kind: 'stop', code: 4200 }),
  };
  const ORDERS: Readonly<Record<string, GatewayShardEvent>> = {
    connect: { kind: 'connect' },
    preconnect: { kind: 'preconnect' },
    resume: { kind: 'resume', session: SESSION, redelivers: false },
    freeze: { kind: 'freeze' },
    unfreeze: { kind: 'unfreeze' },
    loaded: { kind: 'loaded' },
    stop: { kind: 'stop', code: 4200 },
    '4014': { kind: 'closed', code: 4014 },
    '1006': { kind: 'closed', code: 1006 },
  };
  const [header = [], ...rows] = rowsOf(`
    mode    | connect | preconnect   | resume | freeze | unfreeze | loaded | stop    | 4014    | 1006
    new     | open    | preconnected | ·      | ·      | ·        | ·      | stopped | ·       | ·
    open    | ·       | ·      | ·      | frozen | ·        | ·      | stopped | refused | ·
    preconnected  | ·       | ·      | open   | ·      | ·        | ·      | stopped | ·       | ·
    frozen  | ·       | ·      | ·      | ·      | open     | ·      | stopped | ·       | ·
    refused | ·       | ·      | ·      | ·      | ·        | ·      | stopped | ·       | ·
    stopped | ·       | ·      | ·      | ·      | ·        | ·      | ·       | ·       | ·
  `);
  const cells = rows.flatMap(([mode = '', ...next]) =>
    next.map((to, column) => [mode as Mode['kind'], header[column + 1] ?? '', to] as const),
  );

  test.each(cells)('the mode is %s, and at %s becomes: %s', (mode, order, to) => {
    const machine = MODES[mode]();
    expect(machine.state.mode.kind).toBe(mode);
    machine.on(ORDERS[order] as GatewayShardEvent);
    expect(machine.state.mode.kind).toBe(to === '·' ? mode : to);
  });

  test('a frozen shard that Discord refuses is refused when it is to go on, after what was kept', () => {
    const machine = MODES.frozen().on(dispatch(12), { kind: 'closed', code: 4014 });
    expect(machine.state.mode).toEqual({ kind: 'frozen', refused: 4014 });
    expect(machine.delivered).toEqual(['11']);
    machine.on({ kind: 'unfreeze' });
    expect(machine.state.mode).toEqual({ kind: 'refused', code: 4014 });
    expect(machine.delivered).toEqual(['11', '12']);
    expect(machine.kinds).toContain('fail');
  });
});

describe('the delivery', () => {
  const DELIVERIES: Readonly<Record<DeliveryKind, () => Machine>> = {
    deliver: () => resumed(),
    freeze: () => resumed().on({ kind: 'freeze' }),
    lease: () => {
      const machine = resumed();
      machine.trusted = false;
      return machine.on(dispatch(12));
    },
    loading: () => resuming({ loading: true }),
    skip: () => {
      const machine = resumed();
      machine.trusted = false;
      return machine.on(dispatch(12), { kind: 'trust', outcome: 'timedOut' });
    },
  };
  const CAUSES: Readonly<Record<string, { event: GatewayShardEvent; trusted?: boolean }>> = {
    dispatch: { event: dispatch(13) },
    'dispatch, slept': { event: dispatch(13), trusted: false },
    freeze: { event: { kind: 'freeze' } },
    unfreeze: { event: { kind: 'unfreeze' } },
    'unfreeze, slept': { event: { kind: 'unfreeze' }, trusted: false },
    loaded: { event: { kind: 'loaded' } },
    'loaded, slept': { event: { kind: 'loaded' }, trusted: false },
    confirmed: { event: { kind: 'trust', outcome: 'confirmed' } },
    timedOut: { event: { kind: 'trust', outcome: 'timedOut' } },
    'op 7': { event: { kind: 'reconnect' } },
    closing: { event: { kind: 'closing' } },
    stop: { event: { kind: 'stop', code: 4200 } },
  };
  const [header = [], ...rows] = rowsOf(`
    delivery | dispatch | dispatch, slept | freeze | unfreeze | unfreeze, slept | loaded  | loaded, slept | confirmed | timedOut | op 7 | closing | stop
    deliver  | ·        | lease           | freeze | ·        | ·               | ·       | ·             | ·         | ·       | ·    | ·       | skip
    freeze   | ·        | ·               | ·      | deliver  | lease           | ·       | ·             | ·         | ·       | ·    | ·       | skip
    lease    | ·        | ·               | freeze | ·        | ·               | ·       | ·             | deliver   | skip    | ·    | skip    | skip
    loading  | ·        | ·               | ·      | ·        | ·               | deliver | lease         | ·         | ·       | ·    | ·       | skip
    skip     | ·        | ·               | ·      | ·        | ·               | ·       | ·             | ·         | ·       | ·    | ·       | ·
  `);
  const cells = rows.flatMap(([delivery = '', ...next]) =>
    next.map((to, column) => [delivery as DeliveryKind, header[column + 1] ?? '', to] as const),
  );

  test.each(cells)('the delivery is %s, and at %s becomes: %s', (delivery, cause, to) => {
    const machine = DELIVERIES[delivery]();
    expect(deliveryKind(machine.state.delivery)).toBe(delivery);
    const { event, trusted = true } = CAUSES[cause] as (typeof CAUSES)[string];
    machine.trusted = trusted;
    machine.on(event);
    expect(deliveryKind(machine.state.delivery)).toBe(to === '·' ? delivery : to);
  });

  test('the answer for a shard that was frozen meanwhile ends no freeze, and what is doubtful is not handed over', () => {
    const machine = DELIVERIES.lease().on({ kind: 'freeze' });
    machine.on({ kind: 'trust', outcome: 'timedOut' });
    expect(machine.state.mode.kind).toBe('frozen');
    machine.trusted = true;
    machine.on({ kind: 'unfreeze' });
    expect(machine.delivered).toEqual(['11']);
    machine.on({ kind: 'closed', code: 4200 }).after(1_000).on({ kind: 'lease', outcome: 'confirmed' });
    machine.on({ kind: 'hello' }, { kind: 'lease', outcome: 'confirmed' }, dispatch(12));
    expect(machine.delivered).toEqual(['11', '12']);
  });
});
