/** Opens stores, as an orchestrator does at its start: what the door `store` asks of a process of its own. */
import { resolveConfig } from '@dshard/api/config';
import { startOrchestrator } from '@dshard/orchestrator';
import { isPrintable } from '@dshard/protocol';
import { silentLogger, systemClock } from '@dshard/transport';

/** A store that says that somebody leads is waited for; here no longer than this. */
const WAIT_MS = 2_000;

process.on('message', (question: { make: string } | { open: string }) => {
  void answer(question).then((text) => process.send?.(text));
});

async function answer(question: { make: string } | { open: string }): Promise<string> {
  try {
    await run('make' in question ? question.make : question.open);
    return 'make' in question ? 'made' : 'opened';
  } catch (error) {
    return problemOf(error) ?? 'refused';
  }
}

async function run(path: string): Promise<void> {
  const settings = {
    listen: '127.0.0.1:0',
    'http.enabled': 'false',
    totalShards: '4',
    tokenless: 'true',
    'store.path': path,
  };
  const config = resolveConfig({
    cwd: process.cwd(),
    environment: {},
    file: '/dev/null',
    flags: Object.entries(settings).map(([key, written]) => ({ key, written, flag: key })),
  });
  const waiting = new AbortController();
  const cancel = systemClock().after(WAIT_MS, () => waiting.abort(new Waited()));
  try {
    const started = await startOrchestrator(config, { logger: silentLogger, signal: waiting.signal });
    await started.orchestrator.command({ kind: 'cordonNode', node: 'nobody' });
    await started.close('leave');
  } finally {
    cancel();
  }
}

class Waited extends Error {
  readonly code = 'DSO_WAITED';
}

function problemOf(error: unknown): string | null {
  if (!(error instanceof Error)) return `what was thrown is no error: ${String(error)}`;
  if (!('code' in error) || !String(error.code).startsWith('DSO_')) {
    return `what was thrown is no sentence of ours: ${error.stack ?? error.message}`;
  }
  return isPrintable(error.message) ? null : `the refusal cannot be shown: ${JSON.stringify(error.message)}`;
}
