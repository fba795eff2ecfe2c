export { formatAddress, isLoopback, parseAddress } from './address.js';
export type { HostPort } from './address.js';
export type { Address, ByteStream, ByteStreamHandlers, CloseReason, Listener, Transport } from './byte-stream.js';
export type { Cancel, Clock, Ms } from './clock.js';
export { continuedClock, delay, everyBy, wallClockAheadMs } from './clock.js';
export { EventLoop } from './event-loop.js';
export { TRANSPORT_ERRORS, TransportError } from './errors.js';
export type { TransportErrorCode } from './errors.js';
export { rotateLog } from './log-rotation.js';
export { LoopDelay } from './loop-delay.js';
export type { Logger } from './logger.js';
export { silentLogger } from './logger.js';
export { openMessageConnection } from './message-connection.js';
export type {
  ConnectionEnd,
  MessageConnection,
  MessageConnectionHandlers,
  MessageConnectionOptions,
  OpenMessageConnection,
} from './message-connection.js';
export { isMacOf, macOf } from './proof.js';
export { seededRandom } from './random.js';
export type { Random } from './random.js';
export { ifStillRunning, systemClock } from './system-clock.js';
export { proxyFor } from './proxy-env.js';
export type { Environment, ProxySetting } from './proxy-env.js';
export { systemRandom } from './random.js';
export { tcpTransport } from './tcp.js';
export { readNamedFile } from './read-file.js';
export { isToken, readTokenFile } from './token-file.js';
export type { TcpTransportOptions } from './tcp.js';
export { onTlsChange, readTls } from './tls-files.js';
export type { TlsFiles, TlsMaterial } from './tls-files.js';
export { listeningContext, renewOnChange, tlsFaultOf, tlsTransport } from './tls.js';
export type { TlsTransportOptions } from './tls.js';
export { UnfinishedFrames } from './unfinished-frames.js';
export { WakeUp } from './clock.js';
export { digestTransferData, EMPTY_TRANSFER_DIGEST } from './transfer-digest.js';
