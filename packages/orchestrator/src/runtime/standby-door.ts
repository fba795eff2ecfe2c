/**
 * What nodes find at the address of an orchestrator that waits for its turn: somebody who says which one leads. Who has
 * to prove that it knows the token proves so here, too.
 *
 * The door is shut where the leader is on this host, at this port perhaps. Where the port is taken the door stays shut,
 * and the next look at the leader tries again. Nodes that find nobody here ask the next address.
 */
import { hostname } from 'node:os';
import type { Address, ConnectionEnd, Listener, Logger } from '@dshard/transport';
import { parseAddress, TransportError } from '@dshard/transport';
import type { Identify } from '@dshard/protocol';
import type { Peer } from '../domain/state/events.js';
import type { Leader } from '../ports/state-store.js';
import { Connections } from './connections.js';
import type { OrchestratorOptions } from './contract.js';
import { History } from './history.js';
import { drawRunId } from './requests.js';
import { Violations } from './violations.js';

/** How long connections may take to flush when the door shuts: it is our turn. */
const CLOSE_TIMEOUT_MS = 250;

export type StandbyDoorOptions = Pick<OrchestratorOptions, 'listen' | 'token' | 'clock' | 'random' | 'transport'> & {
  logger: Logger;
  leader: () => Leader | null;
};

export class StandbyDoor {
  readonly #options: StandbyDoorOptions;
  readonly #connections: Connections;
  readonly #violations: Violations;
  #listener: Listener | null = null;

  constructor(options: StandbyDoorOptions) {
    const { clock, logger, random, token } = options;
    this.#options = options;
    this.#violations = new Violations(clock, new History(clock, logger));
    this.#connections = new Connections({
      runId: drawRunId(random),
      clock,
      limits: {},
      token,
      random,
      onIdentify: (connection, message, peer) => this.#onIdentify(connection, message, peer),
      onMessage: () => undefined,
      onUnknownEvent: () => undefined,
      onClosed: () => undefined,
      onViolation: (remote, end) => this.#violations.closed(remote, end),
      delayOf: (remote) => this.#violations.delayOf(remote),
    });
  }

  /** null: it is shut. */
  get address(): Address | null {
    return this.#listener?.address ?? null;
  }

  /** Does nothing where it is open, or the port is taken. */
  async open(): Promise<void> {
    if (this.#listener !== null) return;
    const { transport, listen, logger } = this.#options;
    try {
      this.#listener = await transport.listen(listen, (stream) => this.#connections.accept(stream));
      logger.debug({ address: this.#listener.address }, `Nodes that come to ${listen} are told who leads.`);
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      logger.debug({ address: listen }, `Nodes that come here are not told who leads: ${error.message}`);
    }
  }

  async close(): Promise<void> {
    const listener = this.#listener;
    this.#listener = null;
    await listener?.close();
    await this.#connections.closeAll(notLeader('This orchestrator was a standby'), CLOSE_TIMEOUT_MS);
    this.#violations.close();
  }

  #onIdentify(connection: string, { capabilities }: Identify, { proof }: Peer): void {
    const leader = this.#options.leader();
    const end = notLeader(standsBy(leader));
    if (this.#options.token !== null && proof !== 'right') return this.#connections.close(connection, end, true);
    if (capabilities.includes('not-leader')) {
      this.#connections.send(connection, { kind: 'notLeader', leader: leader?.address ?? null }, null);
    } else if (capabilities.includes('auth-hmac')) {
      this.#connections.send(connection, { kind: 'rejected', ...end, retryable: true }, null);
    }
    this.#connections.close(connection, end);
  }
}

function notLeader(message: string): ConnectionEnd & { code: 'DSO_NOT_LEADER' } {
  return { code: 'DSO_NOT_LEADER', message };
}

/** A sentence for nodes and operators. */
function standsBy(leader: Leader | null): string {
  if (leader === null) return 'This orchestrator is a standby, and nobody leads now.';
  const at = leader.address == null ? '' : `, where nodes reach it at ${leader.address}`;
  return `This orchestrator is a standby. The one that leads runs on host ${leader.host}${at}.`;
}

/** Whether a standby may take its ports while somebody leads: not where the leader has them, or is about to. */
export function mayListen(leader: Leader, listen: Address): boolean {
  if (leader.host !== hostname()) return true;
  return leader.address != null && parseAddress(leader.address).port !== parseAddress(listen).port;
}
