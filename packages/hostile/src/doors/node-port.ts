/**
 * The orchestrator's port for nodes. One input in six comes from a stranger who has not said who it is; all others are
 * frames of a node that was let in by the node library's own handshake.
 */
import { createConnection, type Socket } from 'node:net';
import { once } from 'node:events';
import { parseAddress } from '@dshard/transport';
import { hostileFrame, type HostileFrame } from '../input/frames.js';
import { HostileNode } from '../behind/hostile-node.js';
import { TOKEN, Victim } from '../behind/victim.js';
import type { Door, Input, OpenDoor } from './door.js';

const SHARDS = 8;
const STRANGERS = 1 / 6;
/** So many frames go through one connection, as long as none of them ends the connection. */
const MAX_FRAMES = 40;

type FrameInput = Input & { frame: HostileFrame };

export const nodePort: Door = { name: 'node-port', share: 24, open: (options) => openPort(options, TOKEN) };

export const nodePortWithoutToken: Door = {
  name: 'node-port-without-token',
  share: 18,
  open: (options) => openPort(options, null),
};

async function openPort(options: Parameters<Door['open']>[0], token: string | null): Promise<OpenDoor> {
  const victim = await Victim.start({ ...options, shards: SHARDS, nodes: 2, token });
  await victim.begin();
  const address = victim.fleet.nodeAddress;
  let node: HostileNode | null = null;
  let frames = 0;

  const viaNode = async ({ frame }: FrameInput): Promise<void> => {
    node ??= await HostileNode.join(address, `hostile-${frames % 7}`, token);
    node.write(frame.bytes);
    frames += 1;
    // A frame that cannot be read is the last that is heard; one that ends in the middle swallows what follows.
    if (frame.message !== null && frames % MAX_FRAMES !== 0) return;
    await node.end();
    node = null;
  };

  return {
    input(dice) {
      const frame = hostileFrame(dice, SHARDS);
      const isStranger = dice.chance(STRANGERS);
      const what = `${isStranger ? 'a stranger' : 'a node'}: ${frame.what}`;
      return { what, bytes: frame.bytes, mutated: !isStranger && frame.kind !== null, frame } as FrameInput;
    },
    async throwIn(input) {
      if (input.what.startsWith('a stranger')) await asStranger(address, input.bytes);
      else await viaNode(input as FrameInput);
      return null;
    },
    check: () => victim.check(),
    async settled() {
      await node?.end();
      node = null;
      return victim.settled();
    },
    async close() {
      await node?.end();
      await victim.end();
    },
  };
}

async function asStranger(address: string, bytes: Uint8Array): Promise<void> {
  const socket: Socket = createConnection(parseAddress(address)).on('error', () => undefined);
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
  socket.write(bytes);
  socket.destroySoon();
}
