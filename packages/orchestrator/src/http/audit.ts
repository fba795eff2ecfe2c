/** Writes the audit: what may change something is in it before it is done, and again with its end. */
import { withoutSecrets } from '@dshard/api';
import { printable } from '@dshard/protocol';
import type { Clock } from '@dshard/transport';
import type { AuditEntry } from '../domain/state/access.js';
import type { OrchestratorHandle } from '../runtime/contract.js';
import type { Identity } from './access.js';

const MAX_PARAMETERS = 500;

export type Recorded = { ended(this: void, status: number, code: string | null): void };

export class Audit {
  readonly #orchestrator: OrchestratorHandle;
  readonly #clock: Clock;
  #lastId = 0;

  constructor(orchestrator: OrchestratorHandle, clock: Clock) {
    this.#orchestrator = orchestrator;
    this.#clock = clock;
  }

  begin(asked: { identity: Identity; client: string; from: string; action: string; parameters: object }): Recorded {
    const { identity, client, from, action, parameters } = asked;
    const newest = [...this.#orchestrator.state.audit.keys()].at(-1) ?? 0;
    this.#lastId = Math.max(this.#lastId, Number(newest)) + 1;
    const text = withoutSecrets(printable(JSON.stringify(parameters)));
    const entry: AuditEntry = {
      id: this.#lastId,
      at: this.#clock.now(),
      token: identity.name,
      role: identity.role,
      client,
      from,
      action,
      parameters: text.length > MAX_PARAMETERS ? `${text.slice(0, MAX_PARAMETERS - 1)}…` : text,
      status: null,
      code: null,
    };
    this.#record(entry);
    return { ended: (status, code) => this.#record({ ...entry, status, code }) };
  }

  #record(entry: AuditEntry): void {
    void this.#orchestrator.command({ kind: 'recordRequest', entry });
  }
}
