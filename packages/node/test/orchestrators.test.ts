import { tcpTransport } from '@dshard/transport';
import type { ByteStream, Transport } from '@dshard/transport';
import { memoryNetwork, virtualClock } from '@dshard/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { addressesOf, areOnLoopback, Orchestrators } from '../src/orchestrators.js';

const [A, B, C] = ['10.0.0.1:7447', '10.0.0.2:7447', '10.0.0.3:7447'] as const;
const NEVER = new AbortController().signal;
const ATTEMPT = { signal: NEVER, timeoutMs: 5_000 };

/** Hosts that listen, and those that are down: nothing comes back from them. */
function hosts({ down = [] }: { down?: readonly string[] } = {}) {
  const clock = virtualClock();
  const network = memoryNetwork({ clock });
  const streams: ByteStream[] = [];
  const transport: Transport = {
    ...network,
    connect: (address, options) =>
      down.includes(address)
        ? new Promise((_, reject) => options.signal?.addEventListener('abort', () => reject(new Error('aborted'))))
        : network.connect(address, options),
  };
  const orchestrators = new Orchestrators(transport, [A, B, C], clock);
  const asked = async (): Promise<string> => {
    const connecting = orchestrators.connect(ATTEMPT);
    clock.advance(1_000);
    const stream = await connecting;
    stream.destroy();
    return stream.remote;
  };
  return {
    clock,
    transport,
    orchestrators,
    asked,
    listen: (address: string) => transport.listen(address, (stream) => streams.push(stream)),
  };
}

describe('of several orchestrators a node finds', () => {
  test('the one that listens, wherever it stands in the list', async () => {
    const { listen, asked } = hosts();
    await listen(C);
    expect(await asked()).toBe(C);
    expect(await asked()).toBe(C);
  });

  // A host that is switched off answers nothing: its time-out alone is ten seconds.
  test('the one that answers within a second, though the others are down', async () => {
    const { listen, asked } = hosts({ down: [A, B] });
    await listen(C);
    expect(await asked()).toBe(C);
  });

  test('the other one when the first answers, and refuses every time', async () => {
    const { listen, asked } = hosts();
    await listen(A);
    await listen(B);
    expect([await asked(), await asked()]).toEqual([A, B]);
  });

  test('the one that another names as the leader, at once, and asks the others when that one is gone', async () => {
    const { listen, orchestrators, asked } = hosts({ down: [A] });
    await listen(B);
    await listen(C);
    orchestrators.leaderIs(C);
    expect(await asked()).toBe(C);
    orchestrators.leaderIs('10.0.0.9:7447');
    expect(await asked()).toBe(B);
  });

  test('nobody by what is no address, or beyond the machine it keeps to', async () => {
    const { listen, orchestrators, asked, clock, transport } = hosts();
    await listen(A);
    for (const named of ['nonsense', '']) {
      orchestrators.leaderIs(named);
      expect(await asked()).toBe(A);
    }
    const local = new Orchestrators(transport, ['127.0.0.1:7447'], clock);
    await listen('127.0.0.1:7447');
    local.leaderIs(A);
    const connecting = local.connect(ATTEMPT);
    clock.advance(1_000);
    const stream = await connecting;
    expect(stream.remote).toBe('127.0.0.1:7447');
    stream.destroy();
  });

  test('none, and says why of each', async () => {
    const { clock, orchestrators } = hosts();
    const connecting = orchestrators.connect(ATTEMPT);
    const failing = expect(connecting).rejects.toThrow(new RegExp(`${A}.* ${B}.* ${C}`));
    clock.advance(1_000);
    await failing;
  });

  test('none when it is told to leave meanwhile', async () => {
    const { clock, orchestrators } = hosts({ down: [A, B, C] });
    const leaving = new AbortController();
    const connecting = orchestrators.connect({ ...ATTEMPT, signal: leaving.signal });
    const failing = expect(connecting).rejects.toThrow();
    clock.advance(300);
    leaving.abort();
    await failing;
    expect(clock.pending()).toBe(0);
  });

  test('the one that listens, over TCP', async () => {
    const transport = tcpTransport();
    const accepted: ByteStream[] = [];
    const listener = await transport.listen('127.0.0.1:0', (stream) => accepted.push(stream));
    const clock = virtualClock();
    const stream = await new Orchestrators(transport, ['127.0.0.1:1', listener.address], clock).connect(ATTEMPT);
    expect(stream.remote).toBe(listener.address);
    onTestFinished(async () => {
      for (const each of [stream, ...accepted]) each.destroy();
      await listener.close();
    });
  });
});

test.each([
  ['a:7447,b:7447', ['a:7447', 'b:7447'], false],
  ['127.0.0.1:7447, [::1]:7447', ['127.0.0.1:7447', '[::1]:7447'], true],
  ['127.0.0.1:7447,b:7447', ['127.0.0.1:7447', 'b:7447'], false],
])('%s is a list of addresses', (written, addresses, onLoopback) => {
  expect(addressesOf(written)).toEqual(addresses);
  expect(areOnLoopback(addresses)).toBe(onLoopback);
});

test.each(['a:7447,', ',a:7447', 'a:7447;b:7447', ''])('"%s" is no list of addresses', (written) => {
  expect(() => addressesOf(written)).toThrow(/cannot be used/);
});
