/** Both doors by TLS, as an operator has them: real processes, files on disk, `dso` over https. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '@dshard/testkit';
import { TestAuthority, type CertificateFiles } from '@dshard/testkit/certificates';
import { runDso } from '../dso.js';
import { orchestratorsOfEachTest, QUIET_BOT } from '../orchestrators.js';

let authority: TestAuthority;
let own: CertificateFiles;

beforeAll(async () => {
  authority = await TestAuthority.create();
  own = await authority.issue('orchestrator');
});
afterAll(() => authority.remove());

const scene = orchestratorsOfEachTest();
const SHARDS = 4;

async function fleet(set: readonly string[], shown: Record<string, string> = {}) {
  const settings = [`tls.cert=${own.cert}`, `tls.key=${own.key}`, ...set].flatMap((each) => ['--set', each]);
  const bots = ['--bot', QUIET_BOT, '--nodes', '2', '--shards', `${SHARDS}`];
  const { http, address } = await scene.all.running([...(await scene.all.ports()), ...bots, ...settings]);
  const dso = (words: readonly string[], environment: Record<string, string> = {}) =>
    runDso(words, { environment: { DSO_CLI_ADDR: http, DSO_TLS_CA: authority.ca, ...shown, ...environment } });
  const served = () =>
    until(
      async () => {
        const { code, stdout } = await dso(['status', '--json']);
        return code === 0 && JSON.parse(stdout).conditionCounts.up === SHARDS;
      },
      { what: 'all shards to be up', timeoutMs: 30_000 },
    );
  return { http, address, dso, served };
}

test('a fleet runs, moves shards and is asked, all of it by TLS', { timeout: 60_000 }, async () => {
  // The authority is a private one, and nodes are not asked for certificates.
  writeFileSync(join(scene.all.cwd, 'dso.yaml'), `launcher:\n  env:\n    DSO_TLS_CA: ${authority.ca}\n`);
  const { http, dso, served } = await fleet([]);
  expect(http).toMatch(/^https:/);
  await served();
  const { nodes } = JSON.parse((await dso(['status', '--json'])).stdout);
  const [from, to] = nodes.map(({ id }: { id: string }) => id);
  const moved = await dso(['migrateshard', `${nodes[0].shards[0].id}`, to]);
  expect([moved.code, moved.stderr, from]).toEqual([0, '', expect.any(String)]);

  const untrusting = await runDso(['status'], { environment: { DSO_CLI_ADDR: http } });
  expect(untrusting.stderr).toMatch(
    /signed by nobody who is trusted here: name the file of its authority \(DSO_TLS_CA/,
  );
  const plain = await dso(['status'], { DSO_CLI_ADDR: http.replace('https', 'http') });
  expect([plain.code, plain.stderr]).toEqual([expect.any(Number), expect.stringMatching(/begins with https/)]);
});

test(
  'only who shows a certificate of the authority gets in, at both doors, where that is asked for',
  { timeout: 60_000 },
  async () => {
    const operator = await authority.issue('operator');
    const shown = { DSO_TLS_CERT: operator.cert, DSO_TLS_KEY: operator.key };
    const asked = [`tls.ca=${authority.ca}`, 'http.clientCertificates=true'];
    const { dso, served, address } = await fleet(asked, shown);
    await served();
    const refused = await dso(['status'], { DSO_TLS_CERT: '', DSO_TLS_KEY: '' });
    expect(refused.stderr).toMatch(/wants a certificate, of an authority that it trusts \(DSO_TLS_CERT/);

    const node = spawn(process.execPath, [QUIET_BOT], {
      cwd: scene.all.cwd,
      env: { DSO_ORCHESTRATOR: address, DSO_NODE_ID: 'by-hand', DSO_TLS_CA: authority.ca, ...shown },
      stdio: 'ignore',
    });
    try {
      const names = async () =>
        JSON.parse((await dso(['status', '--json'])).stdout).nodes.map(({ id }: { id: string }) => id);
      await until(async () => (await names()).includes('by-hand'), {
        what: 'the node to be let in',
        timeoutMs: 15_000,
      });
    } finally {
      node.kill('SIGKILL');
    }
  },
);
