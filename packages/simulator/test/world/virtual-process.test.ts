import { memoryNetwork, virtualClock } from '@dshard/testkit';
import type { ByteStream } from '@dshard/transport';
import { describe, expect, test } from 'vitest';
import { VirtualProcess } from '../../src/world/virtual-process.js';

const ADDRESS = '10.0.0.1:1';

/** A server outside, a client in a process, and what each of them heard. */
async function pair() {
  const world = virtualClock();
  const network = memoryNetwork({ clock: world, delayMs: 1 });
  const process = new VirtualProcess('p', world);
  const heard: string[] = [];
  const note = (name: string) => (stream: ByteStream) =>
    stream.handle({
      onData: (chunk) => heard.push(`${name} ${chunk.join('')}`),
      onDrain: () => undefined,
      onClose: ({ error }) => heard.push(`${name} closed${error === undefined ? '' : ' with an error'}`),
    });
  const accepted: ByteStream[] = [];
  await network.listen(ADDRESS, (stream) => {
    accepted.push(stream);
    note('server')(stream);
  });
  const connecting = process.transport(network).connect(ADDRESS, { timeoutMs: 100 });
  await world.run(10);
  const client = await connecting;
  note('client')(client);
  return { world, network, process, client, server: accepted[0]!, heard };
}

/** A frame of the control protocol: event 1 with one byte. */
const FRAME = new Uint8Array([1, 0, 0, 0, 1, 0, 0, 0, 7]);

describe('a virtual process', () => {
  test('that is paused does nothing, and catches up: timers first, then what arrived, in order', async () => {
    const { world, process, server, heard } = await pair();
    process.clock.after(50, () => heard.push('timer'));
    process.pause();
    server.write(new Uint8Array([1]));
    server.write(new Uint8Array([2]));
    await world.run(200);
    expect(heard).toEqual([]);
    process.resume();
    await world.run(1);
    expect(heard).toEqual(['timer', 'client 1', 'client 2']);
  });

  test('a timer cancelled while it waits for a paused process does not run', async () => {
    const { world, process, heard } = await pair();
    const cancel = process.clock.after(10, () => heard.push('timer'));
    process.pause();
    await world.run(20);
    cancel();
    process.resume();
    await world.run(20);
    expect(heard).toEqual([]);
  });

  test.each([
    ['flush', ['server 7', 'server closed']],
    ['abort', ['server closed with an error']],
  ] as const)('killed with %s', async (death, expected) => {
    const { world, process, client, heard } = await pair();
    client.write(new Uint8Array([7]));
    process.kill(death);
    process.clock.after(1, () => heard.push('a timer of a dead process'));
    client.write(new Uint8Array([8]));
    await world.run(5_000);
    expect(heard).toEqual(expected);
  });

  test('dies in the middle of a write', async () => {
    const { world, process, client, heard } = await pair();
    process.dieAtWrite(1, () => process.kill('flush'));
    client.write(FRAME);
    client.write(FRAME);
    client.write(FRAME);
    await world.run(5_000);
    // The first frame whole, then half a header; the third write is never made.
    expect(heard).toEqual(['server 100010007', 'server 1000', 'server closed']);
    expect(process.alive).toBe(false);
  });
});
