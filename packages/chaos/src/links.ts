/** What stands between the nodes and the orchestrator: fault proxies, so many that nodes seldom share one. */
import { wayNumber } from '@dshard/demo';
import { FaultProxy } from '@dshard/testkit';
import type { Clock } from '@dshard/transport';

const WAYS = 16;

export class Links {
  readonly #proxies: readonly FaultProxy[];

  private constructor(proxies: readonly FaultProxy[]) {
    this.#proxies = proxies;
  }

  static async to(orchestrator: string, clock: Clock): Promise<Links> {
    return new Links(await Promise.all(Array.from({ length: WAYS }, () => FaultProxy.to(orchestrator, clock))));
  }

  get all(): readonly FaultProxy[] {
    return this.#proxies;
  }

  get addresses(): string[] {
    return this.#proxies.map(({ address }) => address);
  }

  get connections(): number {
    return this.#proxies.reduce((sum, { connections }) => sum + connections, 0);
  }

  of(node: string): FaultProxy {
    const proxy = this.#proxies[wayNumber(node, WAYS)];
    if (proxy === undefined) throw new Error(`There is no link to node ${node}.`);
    return proxy;
  }

  sharesOne(node: string, other: string): boolean {
    return this.of(node) === this.of(other);
  }

  async close(): Promise<void> {
    await Promise.all(this.#proxies.map((proxy) => proxy.close()));
  }
}
