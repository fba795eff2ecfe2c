/**
 * The commands of the operators' guides are what somebody types at night: each of them is run, as it stands, by the
 * built program against the real REST interface.
 */
import { readFile } from 'node:fs/promises';
import { blocksOf, commandsOf as commandsOfBlock } from '@dshard/testkit';
import { afterEach, expect, test } from 'vitest';
import { testNode, testState } from '../../orchestrator/test/http/fake-orchestrator.js';
import { testServer } from '../../orchestrator/test/http/test-server.js';
import { createProgram } from '../src/program.js';
import { runDso } from './dso.js';

const GUIDES = ['deploy-safely', 'scaling', 'restarts-and-leaving', 'troubleshooting', 'upgrading', 'monitoring'];
const over = { id: 'r12', kind: 'rollout', outcome: 'done', by: 'alice', startedAt: 0, endedAt: 9 } as const;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function commandsOf(guide: string): Promise<string[]> {
  const page = await readFile(new URL(`../../../docs/guide/${guide}.md`, import.meta.url), 'utf8');
  return blocksOf(page)
    .filter(({ attributes }) => attributes['run'] === 'operators')
    .flatMap(commandsOfBlock);
}

/** A fleet with the nodes that the guides name. */
async function serve(): Promise<{ address: string; asked: () => readonly string[] }> {
  const { server, orchestrator } = await testServer();
  closing.push(() => server.close());
  orchestrator.state = testState({
    nodes: new Map(['web-1', 'web-2', 'web-3'].map((id) => [id, testNode(id)])),
    endedOperations: [{ ...over, text: 'Replaced 3 nodes.' }],
  });
  return { address: await server.start(), asked: () => orchestrator.commands.map(({ kind }) => kind) };
}

test.each(GUIDES)(
  'every command of the guide %s does what it says',
  async (guide) => {
    const commands = await commandsOf(guide);
    expect(commands.length).toBeGreaterThanOrEqual(2);
    for (const command of commands) {
      const [program, ...args] = command.split(' ');
      expect([command, program]).toEqual([command, 'dso']);
      // What runs an orchestrator is tried by up.e2e.test.ts; here, that its flags are there.
      if (args[0] === 'up') {
        expect(() => flagsOf(args), command).not.toThrow();
        continue;
      }
      const { address } = await serve();
      const { code, stderr } = await runDso(args, { environment: { DSO_CLI_ADDR: address } });
      expect([command, code, stderr]).toEqual([command, 0, '']);
    }
  },
  120_000,
);

/** Throws when `dso up` has no such flag. */
function flagsOf(args: readonly string[]): void {
  const up = createProgram().commands.find((each) => each.name() === 'up');
  const known = up?.options.flatMap(({ long, short }) => [long, short]) ?? [];
  for (const flag of args.filter((each) => each.startsWith('-'))) {
    if (!known.includes(flag.split('=')[0])) throw new Error(`dso up has no ${flag}.`);
  }
}

test('every command in the text of the guides is one that there is', async () => {
  const program = createProgram();
  const names = new Set(program.commands.flatMap((each) => [each.name(), ...each.aliases()]));
  for (const guide of GUIDES) {
    const page = await readFile(new URL(`../../../docs/guide/${guide}.md`, import.meta.url), 'utf8');
    for (const [, name] of page.matchAll(/`dso ([a-z][a-z-]*)/g))
      expect([guide, names.has(name ?? '')]).toEqual([guide, true]);
  }
});
