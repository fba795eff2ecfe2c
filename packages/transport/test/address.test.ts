import { describe, expect, test } from 'vitest';
import { formatAddress, isLoopback, parseAddress, TransportError } from '@dshard/transport';

describe('parseAddress', () => {
  test.each([
    ['127.0.0.1:7447', '127.0.0.1', 7447],
    ['0.0.0.0:0', '0.0.0.0', 0],
    ['[::1]:7447', '::1', 7447],
    ['[fe80::1%eth0]:65535', 'fe80::1%eth0', 65535],
    ['[::ffff:127.0.0.1]:80', '::ffff:127.0.0.1', 80],
    ['localhost:1', 'localhost', 1],
    ['orchestrator.internal:7447', 'orchestrator.internal', 7447],
    ['dso_orchestrator-1.prod.:7447', 'dso_orchestrator-1.prod.', 7447],
  ])('reads %s, and writes the same again', (address, host, port) => {
    expect(parseAddress(address)).toEqual({ host, port });
    expect(formatAddress(host, port)).toBe(address);
  });

  test.each([
    ['', 'it is empty'],
    ['127.0.0.1', 'the port is missing; add one, as in :7447'],
    ['localhost', 'the port is missing; add one, as in :7447'],
    ['[::1]', 'the port is missing; add one, as in :7447'],
    ['localhost:', 'the port is missing after the colon'],
    [':7447', 'the host is missing; 127.0.0.1 is this machine, 0.0.0.0 all its interfaces'],
    ['[]:7447', 'the host is missing; 127.0.0.1 is this machine, 0.0.0.0 all its interfaces'],
    ['localhost:65536', '"65536" is not a port (0 to 65535)'],
    ['localhost:-1', '"-1" is not a port (0 to 65535)'],
    ['localhost:7447x', '"7447x" is not a port (0 to 65535)'],
    ['localhost:1e3', '"1e3" is not a port (0 to 65535)'],
    ['localhost: 7447', '" 7447" is not a port (0 to 65535)'],
    ['::1:7447', '"::1" is an IPv6 address, which stands in brackets, as in [::1]:7447'],
    ['[::1:7447', 'the bracket around the IPv6 address is not closed'],
    ['[127.0.0.1]:7447', 'there is no IPv6 address between the brackets'],
    ['[::1]x:7447', 'only the port may follow the bracket'],
    ['256.0.0.1:7447', '"256.0.0.1" is not an IPv4 address'],
    ['127.1:7447', '"127.1" is not an IPv4 address'],
    ['1234:7447', '"1234" is not an IPv4 address'],
    ['a b:7447', '"a b" is not a host name'],
    ['-a:7447', '"-a" is not a host name'],
    ['http://localhost:7447', '"http://localhost" is not a host name'],
    ['a..b:7447', '"a..b" is not a host name'],
    [`${'a'.repeat(64)}:7447`, `"${'a'.repeat(64)}" is not a host name`],
  ])('refuses %j and says what is wrong with it', (address, fault) => {
    const attempt = (): unknown => parseAddress(address);
    expect(attempt).toThrow(TransportError);
    expect(attempt).toThrow(
      expect.objectContaining({
        code: 'DSO_ADDRESS_INVALID',
        retryable: false,
        message: `The address "${address}" cannot be used: ${fault}.`,
      }),
    );
  });
});

test.each([
  ['127.0.0.1', true],
  ['127.255.255.254', true],
  ['::1', true],
  ['[::1]', true],
  ['0:0:0:0:0:0:0:1', true],
  ['::ffff:127.0.0.1', true],
  ['localhost', true],
  ['LOCALHOST', true],
  ['0.0.0.0', false],
  ['::', false],
  ['128.0.0.1', false],
  ['10.0.0.1', false],
  ['::ffff:10.0.0.1', false],
  ['127.0.0.1.example.org', false],
  ['localhost.example.org', false],
  ['127.1', false],
  ['', false],
])('whether %j is an address of loopback: %s', (host, wanted) => {
  expect(isLoopback(host)).toBe(wanted);
});
