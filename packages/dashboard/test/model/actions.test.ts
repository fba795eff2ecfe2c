import { CONTRACT } from '@dshard/api';
import { describe, expect, test } from 'vitest';
import {
  cancelAction,
  commandOf,
  FETCH_VERSION,
  mayDo,
  migrateAction,
  nodeActions,
  queryCommand,
  REBALANCE,
  rolloutActions,
  rolloutStart,
  unquarantineAction,
} from '../../src/model/actions.js';

const NODE = { id: 'web-1', connection: 'connected', intent: 'serving', shards: 3, isSilent: false } as const;
const { pause, resume, undo } = rolloutActions(false);

describe('what can be done', () => {
  test.each([
    [nodeActions(NODE)[0]!, 'dso drain web-1'],
    [nodeActions(NODE)[1]!, 'dso cordon web-1'],
    [nodeActions({ ...NODE, intent: 'cordoned' })[1]!, 'dso uncordon web-1'],
    [nodeActions({ ...NODE, isSilent: true })[2]!, 'dso takeover web-1'],
    [migrateAction(3, 'web-2'), 'dso migrateshard 3 web-2'],
    [cancelAction('r12'), 'dso cancel r12'],
    [unquarantineAction('0-11'), 'dso unquarantine 0-11'],
    [REBALANCE, 'dso rebalance'],
    [rolloutStart({ fast: 'true' }), 'dso rollout --fast'],
    [FETCH_VERSION, 'dso pullnewversion'],
    [pause, 'dso rollout pause'],
    [resume, 'dso rollout resume'],
    [undo, 'dso rollout undo'],
  ])('$label is also typed', (action, command) => {
    expect(commandOf(action)).toBe(command);
  });

  test('is nothing for who may only read, and all for who may operate', () => {
    const all = [...nodeActions(NODE), REBALANCE, pause, migrateAction(1, 'a'), rolloutStart({})];
    expect(all.filter((action) => mayDo('read', action))).toEqual([]);
    expect(all.filter((action) => mayDo('operate', action))).toEqual(all);
  });

  test('asks for nothing that the contract does not have', () => {
    for (const { endpoint, parameters } of [...nodeActions(NODE), undo, FETCH_VERSION, cancelAction('r1')]) {
      const known = Object.keys(CONTRACT[endpoint].parameters);
      const isOperation = endpoint === 'startOperation';
      expect(isOperation || Object.keys(parameters).every((name) => known.includes(name))).toBe(true);
    }
  });

  test('a node that is away is not drained, and one without shards is not taken over', () => {
    const labels = (about: Partial<Parameters<typeof nodeActions>[0]>): string[] =>
      nodeActions({ ...NODE, ...about }).map(({ label }) => label);
    expect(labels({ connection: 'disconnected' })).toEqual(['Take over']);
    expect(labels({ connection: 'disconnected', shards: 0 })).toEqual([]);
    expect(labels({ shards: 0 })).toEqual(['Cordon', 'Shut down']);
  });
});

test('a query is quoted for the shell where it has to be', () => {
  expect(queryCommand('shards', ' node:web-* gap>500ms ')).toBe("dso shards --query 'node:web-* gap>500ms'");
  expect(queryCommand('nodes', `node:"it's"`)).toBe(`dso nodes --query 'node:"it'\\''s"'`);
  expect(queryCommand('nodes', '')).toBe('dso nodes');
});
