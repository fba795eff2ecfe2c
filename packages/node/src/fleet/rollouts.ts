/** A rollout that this node asks for. It is told whether it began; how it ends this process may not live to see. */
import type { Message, RolloutRequest } from '@dshard/protocol';
import type { Clock } from '@dshard/transport';
import { NodeError } from '../errors.js';

/** The orchestrator answers on the spot; should it not, nobody waits for ever. */
const ANSWER_WITHIN_MS = 10_000;
const AWAY = 'no orchestrator is connected.';

export type RolloutsOptions = {
  clock: Clock;
  /** Null: no orchestrator is connected; `can` false: it takes no such wish. */
  link: () => { connection: number; can: boolean } | null;
  send: (connection: number, message: RolloutRequest) => void;
};

type Waiting = { resolve: (message: string) => void; reject: (error: NodeError) => void };

export class Rollouts {
  readonly #options: RolloutsOptions;
  readonly #waiting = new Map<string, Waiting>();
  #lastId = 0;

  constructor(options: RolloutsOptions) {
    this.#options = options;
  }

  async begin(): Promise<string> {
    const { clock, link, send } = this.#options;
    const to = link();
    if (to === null) throw new NodeError('DSO_CALL_NO_ORCHESTRATOR', `No rollout was begun: ${AWAY}`);
    if (!to.can) {
      const text = 'The orchestrator does not let nodes ask for a rollout; `dso rollout` replaces every process.';
      throw new NodeError('DSO_CALL_REFUSED', text);
    }
    const requestId = `${++this.#lastId}`;
    const answer = new Promise<string>((resolve, reject) => this.#waiting.set(requestId, { resolve, reject }));
    const cancel = clock.after(ANSWER_WITHIN_MS, () => this.#fail(requestId, 'it did not answer.'));
    send(to.connection, { kind: 'rolloutRequest', requestId });
    try {
      return await answer;
    } finally {
      cancel();
      this.#waiting.delete(requestId);
    }
  }

  /** Whether the message was an answer to such a wish. */
  received(message: Message): boolean {
    if (message.kind !== 'rolloutAnswer') return false;
    const waiting = this.#waiting.get(message.requestId);
    if (message.code === '') waiting?.resolve(message.message);
    else waiting?.reject(new NodeError('DSO_CALL_REFUSED', `${message.message} (${message.code})`));
    return true;
  }

  connectionLost(): void {
    for (const requestId of this.#waiting.keys()) this.#fail(requestId, AWAY);
  }

  #fail(requestId: string, why: string): void {
    const error = new NodeError('DSO_CALL_NO_ORCHESTRATOR', `Whether a rollout was begun is not known: ${why}`);
    this.#waiting.get(requestId)?.reject(error);
  }
}
