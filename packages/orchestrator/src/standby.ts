/** What an orchestrator shows while another one leads: to nodes and operators it says who that is, and does nothing. */
import type { ResolvedConfig } from '@dshard/api/config';
import { isLoopback, parseAddress, type Address, type Clock, type Logger } from '@dshard/transport';
import type { Random, Transport } from '@dshard/transport';
import { StandbyServer } from './http/standby-server.js';
import type { Leader } from './ports/state-store.js';
import { mayListen, StandbyDoor } from './runtime/standby-door.js';

type StandbySurroundings = {
  clock: Clock;
  random: Random;
  transport: Transport;
  logger: Logger;
  token: string | null;
  /** The orchestrator's own. */
  version: string;
};

export class Standby {
  readonly #config: ResolvedConfig;
  readonly #token: string | null;
  readonly #door: StandbyDoor;
  readonly #http: StandbyServer | null;
  #leader: Leader | null = null;

  constructor(config: ResolvedConfig, { token, ...surroundings }: StandbySurroundings) {
    const leader = (): Leader | null => this.#leader;
    this.#config = config;
    this.#token = token;
    this.#door = new StandbyDoor({ listen: config.listen, token, leader, ...surroundings });
    this.#http = config.http && new StandbyServer({ ...config.http, token: config.token, leader, ...surroundings });
  }

  async onLed(leader: Leader): Promise<void> {
    this.#leader = leader;
    // Whoever leads on this host is about to take the ports.
    if (!mayListen(leader, this.#config.listen)) return this.close();
    if (this.#isOpenFor(this.#config.listen)) await this.#door.open();
    if (this.#config.http && this.#isOpenFor(this.#config.http.listen)) await this.#http?.open();
  }

  /** Without a token nobody listens beyond this machine. */
  #isOpenFor(listen: Address): boolean {
    return this.#token !== null || isLoopback(parseAddress(listen).host);
  }

  async close(): Promise<void> {
    await this.#door.close();
    await this.#http?.close();
  }
}
