/** An emulator and discord.js bots on it, for one test. */
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import type { ClientOptions } from 'discord.js';
import type { OrchestratedOptions } from '../../../src/hosts/discordjs/index.js';
import { emulator } from '../subject.js';
import type { EmulatorOptions } from '../subject.js';
import { ClientBot } from './bots.js';

export class Scene {
  readonly bots: ClientBot[] = [];
  #gateway: GatewayEmulator | null = null;

  async world(options: EmulatorOptions = {}): Promise<GatewayEmulator> {
    this.#gateway = await emulator(options);
    return this.#gateway;
  }

  async bot(name: string, ...rest: [Partial<OrchestratedOptions>?, Partial<ClientOptions>?]): Promise<ClientBot> {
    if (this.#gateway === null) throw new Error('world() comes first.');
    const made = await ClientBot.start(name, this.#gateway, 4, ...rest);
    this.bots.push(made);
    return made;
  }

  async close(): Promise<void> {
    await Promise.all(this.bots.splice(0).map((each) => each.close()));
    await this.#gateway?.close();
  }
}
