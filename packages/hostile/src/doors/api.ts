/**
 * The REST interface by its own document: each path, method, parameter, header and body of `/v1/openapi.json`, asked
 * without a token, with one that is none, was revoked, of each role, and as a page that is logged in. Nothing answers
 * 5xx, no answer differs from the document, without a token only probes answer, and whoever may not ask for something
 * changes nothing. What an admin asks for may be done: the fleet behind this door has no nodes.
 */
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { openApiDocument } from '@dshard/api';
import { resolveConfig } from '@dshard/api/config';
import { startOrchestrator, type StartedOrchestrator } from '@dshard/orchestrator';
import { printable } from '@dshard/protocol';
import { delay, silentLogger, systemClock } from '@dshard/transport';
import { callFrom, type ApiCall, type ApiDocument } from '../api/calls.js';
import { ApiJudge, mayAsk, type ApiAnswer, type Role } from '../api/judge.js';
import { TOKEN, type Plant } from '../behind/victim.js';
import type { Door, Input } from './door.js';

/** Who asks, and what it sends to show it. */
type Caller = { readonly who: string; readonly role: Role; readonly headers: Readonly<Record<string, string>> };
type ApiInput = Input & { readonly call: ApiCall; readonly caller: Caller };

const SHARDS = 8;
const ANSWER_WITHIN_MS = 20_000;
const MAX_STREAM_CHARACTERS = 64 * 1024;

export const api: Door = {
  name: 'api',
  share: 15,
  async open({ plant }) {
    const started = await startFleet();
    const url = `http://${started.httpAddress ?? ''}`;
    const document = openApiDocument('0.0.0') as unknown as ApiDocument;
    const judge = new ApiJudge(document);
    const callers = await callersOf(url);
    return {
      input(dice) {
        const [call, caller] = [callFrom(document, dice), dice.pick(callers)];
        const what = `${caller.who}: ${call.method} ${call.path} ${JSON.stringify(call.headers)}`;
        return { what, bytes: Buffer.from(call.body), mutated: false, call, caller } as ApiInput;
      },
      async throwIn(input) {
        const { call, caller } = input as ApiInput;
        const before = durableParts(started);
        const answer = withHole(plant, await ask(url, call, throughHole(plant, caller, callers)));
        const problem = judge.problemOf(call, caller.role, answer);
        if (problem !== null) return `${call.method} ${call.template}: ${problem}`;
        if (mayAsk(caller.role, call)) return null;
        const changed = Object.entries(durableParts(started)).find(([part, value]) => before[part] !== value);
        return changed === undefined ? null : `the role ${caller.role} has changed ${changed[0]}`;
      },
      async check() {
        const { status } = await ask(url, GET_STATUS, withToken('the configured token', 'admin', TOKEN));
        return status === 200 ? null : `/v1/status answered ${status}`;
      },
      settled: async () => null,
      close: () => started.close('end'),
    };
  },
};

const GET_STATUS: ApiCall = {
  method: 'GET',
  template: '/v1/status',
  operation: undefined,
  path: '/v1/status',
  headers: {},
  body: '',
};

async function startFleet(): Promise<StartedOrchestrator> {
  const settings = {
    listen: '127.0.0.1:0',
    'http.listen': '127.0.0.1:0',
    totalShards: String(SHARDS),
    'store.kind': 'memory',
    startupGrace: '0',
    token: TOKEN,
  };
  const flags = Object.entries(settings).map(([key, written]) => ({ key, written, flag: key }));
  const started = await startOrchestrator(resolveConfig({ cwd: tmpdir(), flags }), { logger: silentLogger });
  const clock = systemClock();
  while (started.orchestrator.state.totalShards !== SHARDS) await delay(clock, 5);
  return started;
}

function withToken(who: string, role: Role, token: string): Caller {
  return { who, role, headers: { authorization: `Bearer ${token}` } };
}

/** Tokens are made by the interface itself. A name that no input can guess keeps them from being revoked by chance. */
async function callersOf(url: string): Promise<readonly Caller[]> {
  const admin = withToken('the configured token', 'admin', TOKEN);
  const post = async (
    path: string,
    values: Record<string, string>,
    caller: Caller,
  ): Promise<ApiAnswer & { cookie: string }> => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: url };
    const body = new URLSearchParams(values).toString();
    return ask(url, { method: 'POST', template: path, operation: undefined, path, headers, body }, caller);
  };
  const made = async (name: string, role: Role): Promise<string> => {
    const { text } = await post('/v1/tokens', { name, role }, admin);
    return String((JSON.parse(text) as { token: unknown }).token);
  };
  const tokens = { read: await made('hostile-reader', 'read'), operate: await made('hostile-operator', 'operate') };
  const revoked = await made('hostile-revoked', 'admin');
  await post('/v1/tokens/hostile-revoked/revoke', {}, admin);
  const { cookie, text } = await post(
    '/v1/session',
    { token: tokens.operate },
    { who: 'a page', role: 'none', headers: {} },
  );
  const { csrf } = JSON.parse(text) as { csrf: string };
  return [
    { who: 'nobody', role: 'none', headers: {} },
    withToken('a guess', 'none', 'dso_0123456789_guess'),
    withToken('a revoked token', 'none', revoked),
    withToken('a reader', 'read', tokens.read),
    withToken('an operator', 'operate', tokens.operate),
    admin,
    { who: 'a page', role: 'operate', headers: { cookie, origin: url, 'x-dso-csrf': csrf } },
    { who: 'a page of another site', role: 'none', headers: { cookie, origin: 'https://evil.example' } },
  ];
}

/** What only those with a right to it may change. Records are immutable: what is the same object has not changed. */
function durableParts({ orchestrator: { state } }: StartedOrchestrator): Readonly<Record<string, unknown>> {
  const {
    operations,
    endedOperations,
    hosts,
    apiTokens,
    audit,
    migrations,
    crashRecords,
    launches,
    rememberedRequests,
  } = state;
  const { allowed } = state.identifies;
  return {
    operations,
    endedOperations,
    hosts,
    apiTokens,
    audit,
    migrations,
    crashRecords,
    launches,
    rememberedRequests,
    allowed,
  };
}

/** As if roles were not looked at: a reader's request is an admin's. */
function throughHole(plant: Plant | null, caller: Caller, callers: readonly Caller[]): Caller {
  const admin = callers.find(({ role }) => role === 'admin');
  return plant === 'role' && caller.role === 'read' && admin !== undefined ? { ...admin, who: caller.who } : caller;
}

/** As if an answer had lost a field that the document promises. */
function withHole(plant: Plant | null, answer: ApiAnswer): ApiAnswer {
  return plant === 'answer' ? { ...answer, text: answer.text.replace('"Error":', '"error":') } : answer;
}

/** A stream is read until its first event has come. */
function ask(
  url: string,
  { method, path, headers, body }: ApiCall,
  caller: Caller,
): Promise<ApiAnswer & { cookie: string }> {
  return new Promise((resolve, reject) => {
    const sent = {
      ...headers,
      ...caller.headers,
      ...(body !== '' && { 'content-length': String(Buffer.byteLength(body)) }),
    };
    const cancel = systemClock().after(ANSWER_WITHIN_MS, () => outgoing.destroy(new Error('there was no answer')));
    const outgoing = request(`${url}${path}`, { method, agent: false, headers: sent }, (response) => {
      let text = '';
      const [type = ''] = (response.headers['content-type'] ?? '').split(';');
      const done = (): void => {
        cancel();
        const cookie = (response.headers['set-cookie']?.[0] ?? '').split(';')[0] ?? '';
        resolve({ status: response.statusCode ?? 0, type, text, cookie });
      };
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (type !== 'text/event-stream' || !(text.includes('\n\n') || text.length > MAX_STREAM_CHARACTERS)) return;
        done();
        outgoing.destroy();
      });
      response.on('end', done);
      response.on('error', () => undefined);
    });
    outgoing.on('error', (error) => {
      cancel();
      reject(new Error(`${method} ${printable(path)}: ${error.message}`, { cause: error }));
    });
    outgoing.end(body === '' ? undefined : body);
  });
}
