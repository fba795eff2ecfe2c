/**
 * Addresses as people write them: `127.0.0.1:7447`, `[::1]:7447`, `orchestrator.internal:7447`. IPv6 stands in
 * brackets, so that its colons cannot be taken for the port's.
 */
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import type { Address } from './byte-stream.js';
import { TransportError } from './errors.js';

/** `host` without brackets, as `node:net` wants it. Port 0 asks the system for a free one (listening only). */
export type HostPort = { readonly host: string; readonly port: number };

/** RFC 1123 names, plus the underscore that container networks like to use. */
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$/i;
const HIGHEST_PORT = 65_535;

/** Throws `DSO_ADDRESS_INVALID` with a sentence that says what is wrong with `address`. */
export function parseAddress(address: Address): HostPort {
  const colon = address.lastIndexOf(':');
  const bracketed = address.startsWith('[');
  if (address === '') throw invalid(address, 'it is empty');
  if (bracketed && !address.includes(']')) throw invalid(address, 'the bracket around the IPv6 address is not closed');
  if (colon === -1 || (bracketed && colon < address.indexOf(']'))) {
    throw invalid(address, 'the port is missing; add one, as in :7447');
  }

  const written = address.slice(0, colon);
  if (bracketed && !written.endsWith(']')) throw invalid(address, 'only the port may follow the bracket');
  const host = bracketed ? written.slice(1, -1) : written;
  checkHost(address, host, bracketed);
  return { host, port: parsePort(address, address.slice(colon + 1)) };
}

/** The reverse of `parseAddress`; brackets are added where they are needed. */
export function formatAddress(host: string, port: number): Address {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

function checkHost(address: Address, host: string, bracketed: boolean): void {
  if (host === '') throw invalid(address, 'the host is missing; 127.0.0.1 is this machine, 0.0.0.0 all its interfaces');
  if (bracketed !== isIPv6(host)) {
    const unbracketed = `"${host}" is an IPv6 address, which stands in brackets, as in [::1]:7447`;
    throw invalid(address, bracketed ? 'there is no IPv6 address between the brackets' : unbracketed);
  }
  if (bracketed) return;
  const lastLabel = host.split('.').at(-1) ?? '';
  // A name that ends in a number would be taken for an IPv4 address by one resolver and for a name by the next.
  const meantAsIPv4 = /^\d+$/.test(lastLabel);
  if (meantAsIPv4 && !isIPv4(host)) throw invalid(address, `"${host}" is not an IPv4 address`);
  if (!meantAsIPv4 && !HOST_NAME.test(host)) throw invalid(address, `"${host}" is not a host name`);
}

function parsePort(address: Address, text: string): number {
  if (text === '') throw invalid(address, 'the port is missing after the colon');
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= HIGHEST_PORT)) throw invalid(address, `"${text}" is not a port (0 to ${HIGHEST_PORT})`);
  return port;
}

function invalid(address: Address, fault: string): TransportError {
  return new TransportError('DSO_ADDRESS_INVALID', `The address "${address}" cannot be used: ${fault}.`);
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * Whether `host` (no port; brackets allowed) can only be reached from this machine: 127.0.0.0/8, ::1, an IPv4-mapped
 * 127.x, or the name `localhost`. Anything it cannot tell for certain is not loopback.
 */
export function isLoopback(host: string): boolean {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  if (isIPv4(bare)) return LOOPBACK.check(bare, 'ipv4');
  if (isIPv6(bare)) return LOOPBACK.check(bare, 'ipv6');
  return bare.toLowerCase() === 'localhost';
}
