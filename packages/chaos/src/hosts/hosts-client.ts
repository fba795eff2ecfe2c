/** REST of a fleet with several orchestrators, by TLS: whoever answers is the one that leads. */
import { request } from 'node:https';
import type { StatusV1 } from '@dshard/api';
import type { Clock } from '@dshard/transport';

const STATUS_TIMEOUT_MS = 2_000;
const OPERATION_TIMEOUT_MS = 60_000;

type Answer = { code: number; body: string };

export class HostsClient {
  readonly #clock: Clock;
  readonly #bases: readonly string[];
  readonly #ca: string;
  readonly #token: string;
  /** Who led when it was asked last. */
  #leader: string | null = null;

  /** `bases` as in `https://10.77.0.1:7448`; `ca`: the authority's certificate, as PEM. */
  constructor(clock: Clock, { bases, ca, token }: { bases: readonly string[]; ca: string; token: string }) {
    this.#clock = clock;
    this.#bases = bases;
    this.#ca = ca;
    this.#token = token;
  }

  async status(): Promise<StatusV1> {
    return (await this.#ofLeader('GET', '/v1/status')) as StatusV1;
  }

  /** Resolves with the orchestrator's sentence when the operation is done. */
  async post(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<string> {
    const answer = await this.#ofLeader('POST', path, new URLSearchParams(parameters).toString());
    return (answer as { Message: string }).Message;
  }

  /** The addresses of those that say that they are ready, which a leader is. */
  async ready(): Promise<string[]> {
    const asked = await Promise.all(this.#bases.map((base) => this.isReady(base)));
    return this.#bases.filter((_, index) => asked[index] === true);
  }

  isReady(base: string): Promise<boolean> {
    return this.#ask(base, 'GET', '/readyz', STATUS_TIMEOUT_MS).then(
      ({ code }) => code === 200,
      () => false,
    );
  }

  async #ofLeader(method: string, path: string, body?: string): Promise<unknown> {
    const timeoutMs = method === 'GET' ? STATUS_TIMEOUT_MS : OPERATION_TIMEOUT_MS;
    const problems: string[] = [];
    for (const base of await this.#leaderFirst()) {
      const answer = await this.#ask(base, method, path, timeoutMs, body).catch((error: unknown) => {
        problems.push(`${base}: ${error instanceof Error ? error.message : String(error)}`);
        return null;
      });
      if (answer === null) continue;
      if (answer.code < 300) return JSON.parse(answer.body) as unknown;
      problems.push(`${base} says ${answer.code}: ${answer.body}`);
      if (answer.code !== 503) break;
    }
    throw new Error(`${method} ${path}: ${problems.join('; ')}`);
  }

  /** One that lost its lease may still answer, with what it knew. */
  async #leaderFirst(): Promise<readonly string[]> {
    if (this.#leader === null || !(await this.isReady(this.#leader))) this.#leader = (await this.ready())[0] ?? null;
    return this.#bases.toSorted((a, b) => Number(b === this.#leader) - Number(a === this.#leader));
  }

  #ask(base: string, method: string, path: string, timeoutMs: number, body?: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${this.#token}`,
        ...(body !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
      };
      const asked = request(`${base}${path}`, { method, headers, ca: this.#ca, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (more: string) => (text += more));
        response.on('end', () => resolve({ code: response.statusCode ?? 0, body: text })).on('error', reject);
      });
      const overdue = (): void => void asked.destroy(new Error(`no answer within ${timeoutMs} ms`));
      const cancel = this.#clock.after(timeoutMs, overdue);
      asked.on('close', cancel).on('error', reject).end(body);
    });
  }
}
