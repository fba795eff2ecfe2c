import { seededRandom, silentLogger } from '@dshard/transport';
import { virtualClock } from '@dshard/testkit';
import { createHttpServer, type HttpServer, type HttpServerOptions } from '../../src/http/server.js';
import { fakeOrchestrator, type FakeOrchestrator } from './fake-orchestrator.js';

export const TOKEN = 'correct-horse-battery-staple';

/** A server on a fake orchestrator; without `start` it answers `inject` only. */
export async function testServer(
  options: Partial<HttpServerOptions> = {},
): Promise<{ server: HttpServer; orchestrator: FakeOrchestrator }> {
  const orchestrator = fakeOrchestrator();
  const server = await createHttpServer({
    orchestrator,
    listen: '127.0.0.1:0',
    token: null,
    tokenlessLoopback: false,
    hosts: [],
    version: '9.9.9',
    configuration: { file: null, settings: [], warnings: [] },
    random: seededRandom(7),
    isReady: () => true,
    clock: virtualClock(),
    logger: silentLogger,
    ...options,
  });
  return { server, orchestrator };
}
