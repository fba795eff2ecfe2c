/** The few calls of the orchestrator's REST interface that the demo makes: the same ones `dso` makes. */
import type { CallReport, StatusV1 } from '@dshard/api';

export type HistoryRow = {
  id: number;
  name: string;
  text: string;
  fields: Readonly<Record<string, unknown>>;
};

export class OrchestratorClient {
  readonly #base: string;

  /** `base` as in `http://127.0.0.1:7448`. */
  constructor(base: string) {
    this.#base = base;
  }

  async status(): Promise<StatusV1> {
    return (await this.#request('GET', '/v1/status')) as StatusV1;
  }

  /** What happened after the entry with that id. */
  async events(after: number): Promise<readonly HistoryRow[]> {
    return (await this.#request('GET', `/v1/events?after=${after}`)) as readonly HistoryRow[];
  }

  /** Resolves with the orchestrator's sentence when the operation is done. */
  async post(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<string> {
    const answer = (await this.#request('POST', path, new URLSearchParams(parameters))) as { Message: string };
    return answer.Message;
  }

  /** Asks every node that has shards. */
  async call(parameters: Readonly<Record<string, string>>): Promise<CallReport> {
    return (await this.#request('POST', '/v1/call', new URLSearchParams(parameters))) as CallReport;
  }

  async #request(method: string, path: string, body?: URLSearchParams): Promise<unknown> {
    const response = await fetch(`${this.#base}${path}`, { method, ...(body && { body }) });
    const answer: unknown = await response.json();
    if (!response.ok) throw new Error(`${method} ${path} was refused: ${JSON.stringify(answer)}`);
    return answer;
  }
}
