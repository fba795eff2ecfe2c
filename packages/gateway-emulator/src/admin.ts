/** The operator's hand: faults on demand, and what is going on. Each fault returns how many sessions it hit. */
import type { Clock } from '@dshard/transport';
import type { FaultResult, SessionSelector } from './core/faults.js';
import { askToReconnect, drop, expire, invalidate, requestHeartbeat } from './core/faults.js';
import { readBudget, refillBudget } from './core/session-start-budget.js';
import type { GatewayState } from './core/state.js';
import type { GatewayEdge } from './server/gateway-edge.js';
import type { GatewayHost, HostMode } from './server/gateway-host.js';
import type { Traffic } from './world/traffic.js';

export type SessionStatus = { sessionId: string; shard: number; count: number; sequence: number; attached: boolean };

export type EmulatorStatus = {
  sockets: number;
  sessions: SessionStatus[];
  identifies: { total: number; remaining: number; resetAfterMs: number };
  tokenValid: boolean;
  traffic: { rate: number; made: number };
  gateway: HostMode;
  resumeHost: HostMode;
};

export type AdminOptions = {
  state: GatewayState;
  clock: Clock;
  edge: GatewayEdge;
  gatewayHost: GatewayHost;
  resumeHost: GatewayHost;
  traffic: Traffic;
};

export class Admin {
  readonly #options: AdminOptions;

  constructor(options: AdminOptions) {
    this.#options = options;
  }

  /** RECONNECT (op 7). Sockets that stay longer than `reconnectGraceMs` are closed. */
  reconnect(selector: SessionSelector = {}): number {
    return this.#apply((now) => askToReconnect(this.#options.state, selector, now));
  }

  /** INVALID_SESSION (op 9). Not resumable unless said so. */
  invalidate(selector: SessionSelector = {}, { resumable = false }: { resumable?: boolean } = {}): number {
    return this.#apply((now) => invalidate(this.#options.state, selector, resumable, now));
  }

  /** Closes sockets with `code` (1000–1014 as far as allowed on the wire, 3000–4999), or cuts them without a close frame. */
  drop(selector: SessionSelector = {}, { code = null }: { code?: number | null } = {}): number {
    return this.#apply((now) => drop(this.#options.state, selector, code, now));
  }

  /** Ends sessions as if their time were over. */
  expire(selector: SessionSelector = {}): number {
    return this.#apply((now) => expire(this.#options.state, selector, now));
  }

  /** Asks for a heartbeat at once (op 1). */
  requestHeartbeat(selector: SessionSelector = {}): number {
    return this.#apply(() => requestHeartbeat(this.#options.state, selector));
  }

  /** Makes the host of `resume_gateway_url` fail (`refuse`, `unavailable`, `silent`) or serve again (`up`). */
  async setResumeHost(mode: HostMode): Promise<void> {
    await this.#options.resumeHost.setMode(mode);
  }

  /** Issues a token: after a reset, or in place of the one in force (sessions live on). */
  issueToken(token: string): void {
    this.#options.state.token = token;
  }

  /** Gives back the day's session starts. */
  refillSessionStarts(): void {
    refillBudget(this.#options.state.budget, this.#options.clock.now());
  }

  status(): EmulatorStatus {
    const { state, clock, gatewayHost, resumeHost, traffic } = this.#options;
    return {
      sockets: state.connections.size,
      sessions: [...state.sessions.values()].map((session) => ({
        sessionId: session.id,
        shard: session.shard,
        count: session.count,
        sequence: session.seq,
        attached: session.attachment.kind === 'attached',
      })),
      identifies: readBudget(state.budget, clock.now()),
      tokenValid: state.token !== null,
      traffic: { rate: traffic.rate, made: traffic.made },
      gateway: gatewayHost.mode,
      resumeHost: resumeHost.mode,
    };
  }

  #apply(fault: (now: number) => FaultResult): number {
    const { effects, affected } = fault(this.#options.clock.now());
    this.#options.edge.run(effects);
    return affected;
  }
}
