/**
 * `guild.members.fetch()` asks over the gateway, and waits two minutes for the answer. When its shard leaves, or is not
 * here at all, no answer can come any more: the fetch rejects at once, with discord.js' own GuildMembersTimeout.
 */
import type { Client, Guild } from 'discord.js';
import type { GatewayOpcodes, GatewaySendPayload } from 'discord-api-types/v10';
import { membersTimeout, newNonce, wrapMemberFetches, type AskForMembers } from './internals.js';

const MEMBERS_OPCODE: GatewayOpcodes.RequestGuildMembers = 8;

type Request = { shardId: number; lose: () => void };

const known = new WeakMap<Client, MemberRequests>();

export class MemberRequests {
  /** By nonce. */
  readonly #requests = new Map<string, Request>();

  static of(client: Client): MemberRequests {
    wrapMemberFetches((guild, options, ask) => {
      const requests = known.get(guild.client);
      return requests === undefined ? ask(options).answer : requests.#run(guild, options, ask);
    });
    const requests = known.get(client) ?? new MemberRequests();
    known.set(client, requests);
    return requests;
  }

  /** The shard left. */
  left(shardId: number): void {
    for (const request of this.#requests.values()) {
      if (request.shardId === shardId) request.lose();
    }
  }

  /** It was not sent. */
  dropped(payload: GatewaySendPayload): void {
    if (payload.op === MEMBERS_OPCODE) this.#requests.get(payload.d.nonce ?? '')?.lose();
  }

  async #run(guild: Guild, options: object, ask: AskForMembers): Promise<unknown> {
    const nonce = String(Reflect.get(options, 'nonce') ?? newNonce());
    let isLost = false;
    let lose = (): void => undefined;
    const lost = new Promise<never>((_, reject) => {
      lose = (): void => {
        isLost = true;
        reject(membersTimeout());
      };
    });
    lost.catch(() => undefined);
    this.#requests.set(nonce, { shardId: guild.shardId, lose });
    const asked = ask({ ...options, nonce });
    try {
      return await Promise.race([lost, asked.answer]);
    } finally {
      this.#requests.delete(nonce);
      if (isLost) asked.cancel();
    }
  }
}
