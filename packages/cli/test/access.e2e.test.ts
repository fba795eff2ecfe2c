/** Tokens, the audit, idempotency keys and If-Match as an operator uses them: a real `dso up` and its nodes. */
import { describe, expect, test } from 'vitest';
import type { AuditList, OperationStatus, Refusal, StartedOperation } from '@dshard/api';
import { until } from '@dshard/testkit';
import { runDso } from './dso.js';
import { orchestratorsOfEachTest, QUIET_BOT, untilServing, type Running } from './orchestrators.js';

const scene = orchestratorsOfEachTest();

const ADMIN = 'a-token-of-enough-characters-0123456789';

async function fleet() {
  const args = [...(await scene.all.ports()), '--bot', QUIET_BOT, '--nodes', '2', '--shards', '4'];
  const start = (): Promise<Running> => scene.all.running(args, { DSO_TOKEN: ADMIN });
  const leader = await start();
  const { nodes } = await untilServing(leader, 2, 4, ADMIN);
  const dso = (line: string, token = ADMIN) =>
    runDso(line.split(' '), { environment: { DSO_CLI_ADDR: leader.http, DSO_TOKEN: token } });
  const drain = async (token: string, headers: Record<string, string>, origin: string) => {
    const response = await fetch(`${leader.http}/v1/operations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ kind: 'drain', origins: [origin] }),
    });
    return { status: response.status, body: (await response.json()) as StartedOperation | Refusal };
  };
  return { leader, start, dso, drain, nodes: nodes.map(({ id }) => id) };
}

async function tokenOf(dso: Awaited<ReturnType<typeof fleet>>['dso'], line: string): Promise<string> {
  const { stdout } = await dso(`token create ${line} --json`);
  return JSON.parse(stdout).token;
}

describe('dso up with a token', () => {
  test('lets a read token see and not drain, ends its stream when it is revoked, and shows who did what', async () => {
    const { leader, dso, nodes } = await fleet();
    const [node = ''] = nodes;
    const reader = await tokenOf(dso, 'grafana read');
    expect((await dso('status', reader)).code).toBe(0);
    const refused = await dso(`drain ${node}`, reader);
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/role operate; "grafana" has the role read/),
    ]);

    const stream = await fetch(`${leader.http}/v1/events`, {
      headers: { authorization: `Bearer ${reader}`, accept: 'text/event-stream' },
    });
    const text = stream.text();
    expect((await dso('token revoke grafana')).code).toBe(0);
    expect(await text).not.toContain('was revoked');
    expect((await dso('status', reader)).stderr).toMatch(/has ended/);

    const operator = await tokenOf(dso, 'ci operate');
    expect((await dso(`drain ${node}`, operator)).code).toBe(0);
    const { stdout } = await dso('audit --json');
    const { entries } = JSON.parse(stdout) as AuditList;
    expect(entries.map(({ token, action, status }) => `${token} ${action} ${status}`)).toEqual([
      'ci startOperation 202',
      'the configured token createToken 201',
      'the configured token revokeToken 200',
      'the configured token createToken 201',
    ]);
    expect((await dso('audit')).stdout).toMatch(/startOperation .*drain.* 202 .*\(dso\), ci, from 127\.0\.0\.1/);
    expect((await dso('token list')).stdout).toMatch(/^ci {2,}operate {2,}ends .*, used /);
  });

  test('does a request once, though it comes twice and the orchestrator was killed in between', async () => {
    const { leader, start, drain, nodes } = await fleet();
    const [a = '', b = ''] = nodes;
    const key = { 'idempotency-key': 'deploy-41' };
    const first = await drain(ADMIN, key, a);
    expect(first.status).toBe(202);
    leader.dso.child.kill('SIGKILL');
    await leader.dso.done;
    const second = await start();
    await until(async () => (await fetch(`${second.http}/readyz`)).ok, { what: 'the next run to be ready' });
    expect(await drain(ADMIN, key, a)).toEqual(first);
    expect(await drain(ADMIN, key, b)).toMatchObject({ status: 409, body: { code: 'DSO_IDEMPOTENCY_KEY_USED' } });
    const headers = { authorization: `Bearer ${ADMIN}` };
    const answer = await fetch(`${second.http}/v1/operations`, { headers });
    const operations = (await answer.json()) as OperationStatus[];
    expect(operations.filter(({ kind }) => kind === 'drain')).toHaveLength(1);
  });

  test('does what was decided about a node only while the node is still so', async () => {
    const { leader, nodes, dso } = await fleet();
    const [node = ''] = nodes;
    const headers = { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json' };
    const tag = (await fetch(`${leader.http}/v1/nodes/${node}`, { headers })).headers.get('etag') ?? '';
    const shutdown = async (ifMatch: string) =>
      fetch(`${leader.http}/shutdownnode`, {
        method: 'POST',
        headers: { ...headers, 'if-match': ifMatch },
        body: JSON.stringify({ node_id: node }),
      });
    expect((await dso(`cordon ${node}`)).code).toBe(0);
    const late = await shutdown(tag);
    expect([late.status, await late.json()]).toEqual([412, expect.objectContaining({ code: 'DSO_CHANGED_MEANWHILE' })]);
    const now = (await fetch(`${leader.http}/v1/nodes/${node}`, { headers })).headers.get('etag') ?? '';
    expect((await shutdown(now)).status).toBe(200);
  });
});
