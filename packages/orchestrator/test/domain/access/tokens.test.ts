import { describe, expect, test } from 'vitest';
import type { ApiToken, AuditEntry } from '../../../src/domain/state/access.js';
import { World } from '../world.js';

type NewToken = Omit<ApiToken, 'createdAt' | 'createdBy'>;

function token(name: string, changes: Partial<NewToken> = {}): NewToken {
  return { id: `id-${name}`, name, role: 'read', hash: 'ab', expiresAt: null, ...changes };
}

const names = (world: World): string[] => [...world.state.apiTokens.values()].map(({ name }) => name);

describe('an API token', () => {
  test('is kept with who made it and when, and is known to the next run', () => {
    const world = new World().start();
    expect(world.ask({ kind: 'createToken', token: token('ci') })).toMatchObject({ ok: true });
    world.crash();
    expect([...world.state.apiTokens.values()]).toEqual([{ ...token('ci'), createdAt: 1_000_000, createdBy: 'alice' }]);
  });

  test('has a name of its own while it lives; one that has expired gives its name back', () => {
    const world = new World().start();
    world.ask({ kind: 'createToken', token: token('ci', { expiresAt: world.now + 1_000 }) });
    const second = token('ci', { id: 'second' });
    expect(world.ask({ kind: 'createToken', token: second })).toMatchObject({
      ok: false,
      error: { code: 'DSO_API_TOKEN_NAME_TAKEN', message: expect.stringContaining('dso token revoke ci') },
    });
    world.pass(1_000);
    expect(world.ask({ kind: 'createToken', token: second })).toMatchObject({ ok: true });
    expect([...world.state.apiTokens.keys()]).toEqual(['second']);
  });

  test.each(['id-ci', 'ci'])('is revoked by "%s", and the next run does not know it either', (named) => {
    const world = new World().start();
    for (const name of ['ci', 'ann']) world.ask({ kind: 'createToken', token: token(name) });
    expect(world.ask({ kind: 'revokeToken', token: named })).toMatchObject({ ok: true });
    expect(names(world)).toEqual(['ann']);
    world.crash();
    expect(names(world)).toEqual(['ann']);
  });

  test('that nobody knows cannot be revoked, and the answer says how to see those there are', () => {
    expect(new World().start().ask({ kind: 'revokeToken', token: 'x' })).toMatchObject({
      ok: false,
      error: { code: 'DSO_UNKNOWN_API_TOKEN', message: expect.stringContaining('dso token list') },
    });
  });

  test('is refused when as many as are kept live', () => {
    const world = new World().start();
    for (let each = 0; each < 200; each += 1) world.ask({ kind: 'createToken', token: token(`t${each}`) });
    expect(world.ask({ kind: 'createToken', token: token('more') })).toMatchObject({
      ok: false,
      error: { code: 'DSO_TOO_MANY_API_TOKENS' },
    });
  });
});

describe('the audit', () => {
  const entry = (id: number, changes: Partial<AuditEntry> = {}): AuditEntry => ({
    id,
    at: id,
    token: 'ci',
    role: 'operate',
    client: 'ann',
    from: '10.0.0.9',
    action: 'stopShard',
    parameters: '{"shard":3}',
    status: null,
    code: null,
    ...changes,
  });

  test('has the end of a request in the place of its beginning, and the next run has both', () => {
    const world = new World().start();
    world.ask({ kind: 'recordRequest', entry: entry(1) });
    world.ask({ kind: 'recordRequest', entry: entry(2) });
    world.ask({ kind: 'recordRequest', entry: entry(1, { status: 200 }) });
    const written = [entry(1, { status: 200 }), entry(2)];
    expect([...world.state.audit.values()]).toEqual(written);
    world.crash();
    expect([...world.state.audit.values()].toSorted((a, b) => a.id - b.id)).toEqual(written);
  });

  test('keeps the newest 1000, in the store as well', () => {
    const world = new World().start();
    for (let id = 1; id <= 1_003; id += 1) world.ask({ kind: 'recordRequest', entry: entry(id) });
    const ids = [...world.state.audit.values()].map(({ id }) => id);
    expect([ids.length, ids[0], ids.at(-1)]).toEqual([1_000, 4, 1_003]);
    world.crash();
    expect(new Set([...world.state.audit.values()].map(({ id }) => id))).toEqual(new Set(ids));
  });

  test('is in order after a restart, whatever the order of the store, so that the oldest is dropped first', () => {
    const world = new World().start();
    for (const id of [9, 10, 100]) world.ask({ kind: 'recordRequest', entry: entry(id) });
    const records = [...world.records].toReversed();
    world.records.clear();
    for (const [key, record] of records) world.records.set(key, record);
    world.crash();
    expect([...world.state.audit.values()].map(({ id }) => id)).toEqual([9, 10, 100]);
  });
});
