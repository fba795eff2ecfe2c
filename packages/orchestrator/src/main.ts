/**
 * The composition root: from a resolved configuration to a running orchestrator with its REST interface.
 *
 * The store comes first: a standby waits there, and takes nothing that the leader on the same host may need. Then the
 * REST interface takes its port, and lets nobody in before the orchestrator runs: when a port is taken nothing has been
 * started yet that would have to be stopped again.
 */
import { createRequire } from 'node:module';
import { CONFIG_KEYS, configEntry, type ResolvedConfig } from '@dshard/api/config';
import { counted } from '@dshard/protocol';
import {
  continuedClock,
  parseAddress,
  readTls,
  systemClock,
  systemRandom,
  tcpTransport,
  tlsTransport,
  TransportError,
  type Address,
  type Clock,
  type Logger,
  type Random,
  type TlsFiles,
  type Transport,
} from '@dshard/transport';
import { discordGatewayInfo, fixedGatewayInfo } from './adapters/discord/gateway-info.js';
import { livenessOf, ownIdentity } from './adapters/process-launcher/process-identity.js';
import { memoryStore } from './adapters/memory/memory-store.js';
import { usableProxy } from './adapters/outgoing/fetch.js';
import { ownToken } from './adapters/own-token/own-token.js';
import { createProcessLauncher } from './adapters/process-launcher/process-launcher.js';
import { postgresStore } from './adapters/postgres/postgres-store.js';
import { fileSpool } from './adapters/spool/file-spool.js';
import { sqliteStore } from './adapters/sqlite/sqlite-store.js';
import { loadSpans, type Spans } from './adapters/tracing/spans.js';
import { createWebhook } from './adapters/webhook/webhook.js';
import { fixedVersion, versionCommands } from './adapters/version-commands/version-commands.js';
import { advertised } from './config/advertised.js';
import { settingsOf } from './config/settings.js';
import { configurationOf } from './http/configuration.js';
import { createHttpServer, type HttpServer } from './http/server.js';
import { reloading, type ReadAgain } from './reloading.js';
import { Standby } from './standby.js';
import { addressTaken, addressUnusable } from './errors.js';
import { createLogger } from './logger.js';
import { listenerOn } from './adapters/listening.js';
import type { AlarmSink, GatewayInfoSource, Launcher, VersionSource } from './ports/surroundings.js';
import type { StateStore } from './ports/state-store.js';
import type { CloseMode, OrchestratorHandle } from './runtime/contract.js';
import { lead, type Leadership } from './runtime/leadership.js';
import { createOrchestrator } from './runtime/orchestrator.js';
import { Succession } from './runtime/succession.js';

/** What the world is made of; by default the real one. */
export type Surroundings = {
  clock?: Clock;
  random?: Random;
  transport?: Transport;
  logger?: Logger;
  /** Ends the wait of a standby; what it says is what the start rejects with. */
  signal?: AbortSignal;
};

export type StartedOrchestrator = {
  /** Where nodes connect, with the real port. */
  readonly address: Address;
  /** Where the REST interface listens; null when there is none. */
  readonly httpAddress: Address | null;
  readonly orchestrator: OrchestratorHandle;
  /** Takes over what may change of a configuration that is read anew, and says the rest in the log. Never rejects. */
  readonly reload: ReadAgain;
  /** May be called twice; the first mode counts. */
  close(mode: CloseMode): Promise<void>;
  /** Kills the node processes this orchestrator started, at once. For when `close('end')` takes somebody too long. */
  kill(): Promise<void>;
};

/** Rejects, with nothing left behind, with errors that say what to do. */
export async function startOrchestrator(
  config: ResolvedConfig,
  surroundings: Surroundings = {},
): Promise<StartedOrchestrator> {
  const { clock: machine = systemClock(), random = systemRandom() } = surroundings;
  const ownLogger = createLogger(config.log);
  const { logger = ownLogger } = surroundings;
  const transport = surroundings.transport ?? transportOf(config, machine, logger);
  for (const warning of config.warnings) logger.warn({}, warning);
  const proxy = config.discord.token === null ? null : usableProxy(config.discord.api, process.env);
  if (proxy !== null)
    logger.info({ variable: proxy.variable }, `Discord is asked through the proxy of ${proxy.variable}.`);

  const spans = config.values.tracing ? await loadSpans(packageVersion(), { clock: machine, logger }) : null;
  const { ownTokenFile } = config;
  const token = ownTokenFile === null ? config.token : ownToken(ownTokenFile, random, logger);
  const signal = surroundings.signal && { signal: surroundings.signal };
  const leadership = await leadershipOf(config, { clock: machine, random, transport, token, logger, ...signal });
  const clock = continuedClock(machine, leadership.aheadMs);
  const succession = new Succession({ leadership, clock, logger, liveness: livenessOf, listenerOn, ...signal });
  const launcher = launcherOf(config, { token, clock, logger, address: () => orchestrator.address });
  const orchestrator = createOrchestrator({
    listen: config.listen,
    token,
    settings: settingsOf(config),
    stopGraceMs: config.stopGraceMs,
    clock,
    random,
    transport,
    launcher,
    versionSource: versionSourceOf(config, clock),
    spool: fileSpool(config.parkDir, logger),
    gatewayInfo: gatewayInfoOf(config, clock),
    alarmSink: alarmSinkOf(config, clock, logger),
    shardsDownAfterMs: config.values['alarms.shardsDownAfter'],
    logger,
    leadership,
    succession,
    ...(spans && { onState: spans.state }),
  });
  if (spans !== null) orchestrator.onEntry(spans.entry);
  const configuration = configurationOf(config);
  let running = false;
  let http: HttpServer | null = null;
  let httpAddress: Address | null = null;
  try {
    http =
      config.http &&
      (await createHttpServer({
        ...config.http,
        orchestrator,
        token: config.token,
        version: packageVersion(),
        configuration,
        random,
        listenerOn,
        isReady: () => running,
        clock,
        logger,
      }));
    httpAddress = await succession.take(async () => (await http?.start()) ?? null, config.http?.listen);
    await orchestrator.start();
  } catch (error) {
    await http?.close();
    // Whatever was started or taken, the leadership on the store included, is given back.
    await orchestrator.close('leave');
    throw explainListening(error, config.listen);
  }
  running = true;
  if (httpAddress !== null) logger.info({ address: httpAddress }, `The REST interface listens on ${httpAddress}.`);
  const reload = reloading(config, { orchestrator, logger, configuration, onLevel: ownLogger.setLevel });
  return started({ orchestrator, http, httpAddress, launcher, spans, reload });
}

type Parts = {
  orchestrator: OrchestratorHandle;
  http: HttpServer | null;
  httpAddress: Address | null;
  launcher: Launcher | null;
  spans: Spans | null;
  reload: ReadAgain;
};

function started({ orchestrator, http, httpAddress, launcher, spans, reload }: Parts): StartedOrchestrator {
  let closing: Promise<void> | null = null;
  return {
    get address() {
      return orchestrator.address;
    },
    httpAddress,
    orchestrator,
    reload,
    close(mode) {
      // The REST interface goes last: until then operators see how far the shutdown is.
      closing ??= orchestrator.close(mode).finally(async () => {
        spans?.close();
        await http?.close();
      });
      return closing;
    },
    async kill() {
      if (launcher === null) return;
      await Promise.allSettled(launcher.running().map(({ node }) => launcher.stop(node, 0)));
    },
  };
}

type Leading = Required<Omit<Surroundings, 'signal'>> & { token: string | null; signal?: AbortSignal };

async function leadershipOf(config: ResolvedConfig, { signal, ...surroundings }: Leading): Promise<Leadership> {
  const { clock, random, logger } = surroundings;
  const { standby, ...place } = config.store;
  const store = openStore(config.store, clock);
  const waiting = new Standby(config, { ...surroundings, version: packageVersion() });
  try {
    return await lead(store, {
      identity: ownIdentity(random, clock, advertised(config)),
      standby,
      ...(place.kind === 'postgres' && { leaseMs: place.leaseMs }),
      clock,
      logger,
      liveness: livenessOf,
      onLed: (leader) => waiting.onLed(leader),
      ...(signal && { signal }),
    });
  } catch (error) {
    await store.close();
    throw error;
  } finally {
    await waiting.close();
  }
}

function transportOf({ tls }: ResolvedConfig, clock: Clock, logger: Logger): Transport {
  if (tls === null) return tcpTransport();
  const { own } = readTls(tls, clock.wallClock());
  if (own !== null) tellOfEnd(tls, own.endsAt, { clock, logger });
  return tlsTransport({ files: tls, clock, logger });
}

const DAY_MS = 24 * 3_600_000;
const SOON_DAYS = 14;

/** At the start only: what watches certificates is somebody else's. */
function tellOfEnd({ cert }: TlsFiles, endsAt: number, { clock, logger }: { clock: Clock; logger: Logger }): void {
  const days = Math.floor((endsAt - clock.wallClock()) / DAY_MS);
  const text = `The certificate ${cert} is valid for ${counted(days, 'more day')}.`;
  if (days < SOON_DAYS) logger.warn({ certificate: cert, days }, text);
  else logger.info({ certificate: cert, days }, text);
}

/** Opens what the configuration says. A database is connected to at the first call. */
function openStore(config: ResolvedConfig['store'], clock: Clock): StateStore {
  const maxHistory = config.history;
  switch (config.kind) {
    case 'memory':
      return memoryStore({ maxHistory });
    case 'sqlite':
      return sqliteStore({ path: config.path, maxHistory });
    case 'postgres':
      return postgresStore({ ...config, maxHistory, clock });
  }
}

function launcherOf(
  { launcher }: ResolvedConfig,
  { address, ...rest }: { token: string | null; clock: Clock; logger: Logger; address: () => Address },
): Launcher | null {
  return launcher === null ? null : createProcessLauncher({ ...launcher, ...rest, orchestrator: address });
}

function versionSourceOf({ versions, token, discord }: ResolvedConfig, clock: Clock): VersionSource | null {
  const { version, versionCommand, updateCommand, cwd } = versions;
  const secrets = {
    names: CONFIG_KEYS.flatMap((key) => (configEntry(key).secret ? (configEntry(key).variable ?? []) : [])),
    values: [token, discord.token].filter((secret) => secret !== null),
  };
  if (versionCommand !== null) return versionCommands({ versionCommand, updateCommand, cwd, secrets, clock });
  return version === null ? null : fixedVersion(version);
}

function alarmSinkOf({ values }: ResolvedConfig, clock: Clock, logger: Logger): AlarmSink | null {
  const { 'alarms.webhook': url, 'alarms.webhookFormat': format } = values;
  return url === null ? null : createWebhook({ url, format, version: packageVersion(), clock, logger });
}

/** Without a bot token Discord tells nothing: then the pace is the configured one, or every bot's. */
function gatewayInfoOf({ discord, values: { totalShards } }: ResolvedConfig, clock: Clock): GatewayInfoSource | null {
  const { token, api, maxConcurrency } = discord;
  if (token === null) {
    if (totalShards === null) return null;
    return fixedGatewayInfo({ recommendedShards: totalShards, ...(maxConcurrency && { maxConcurrency }) });
  }
  const source = discordGatewayInfo({ token, api, clock });
  if (maxConcurrency === null) return source;
  return { fetch: async () => ({ ...(await source.fetch()), maxConcurrency }) };
}

/** The transport knows the address, but not which knob chooses it. */
function explainListening(error: unknown, listen: Address): unknown {
  const part = { what: 'The orchestrator', key: 'listen', flag: '--listen' };
  if (!(error instanceof TransportError)) return error;
  if (error.code !== 'DSO_PORT_TAKEN') return addressUnusable(listen, part, error);
  return addressTaken(listen, part, error, { listener: listenerOn(parseAddress(listen).port) });
}

function packageVersion(): string {
  const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
  return version;
}
