/**
 * The REST interface: requests that nobody honest makes, without a token, with a wrong one, and with the right one.
 * What an operator may ask for, and would be obeyed, is no input here.
 */
import { CONTRACT, ENDPOINT_NAMES, type EndpointName } from '@dshard/api';
import type { Dice } from '../input/dice.js';
import { problemOf, sayTo } from '../input/raw-http.js';
import { TOKEN, Victim } from '../behind/victim.js';
import type { Door } from './door.js';

const SHARDS = 8;
/** They take no parameter that could be wrong, or one that is right by chance. */
const OBEYED: ReadonlySet<EndpointName> = new Set([
  'startNode',
  'rollout',
  'pullNewVersion',
  'allowIdentifies',
  'startOperation',
  'events',
]);
const REFUSED = ['', 'authorization: Bearer wrong\r\n', 'authorization: Basic Og==\r\n', 'authorization: \r\n'];
const RIGHT = `authorization: Bearer ${TOKEN}\r\n`;

export const rest: Door = {
  name: 'rest',
  share: 10,
  async open(options) {
    const victim = await Victim.start({ ...options, shards: SHARDS, nodes: 2, token: TOKEN });
    await victim.begin();
    const address = victim.fleet.httpUrl.replace('http://', '');
    return {
      input(dice) {
        const what = dice.chance(0.3) ? 'no request' : 'a request';
        const text = what === 'no request' ? noRequest(dice) : request(dice);
        return { what, bytes: Buffer.from(text, 'latin1'), mutated: false };
      },
      throwIn: async ({ bytes }) => problemOf(await sayTo(address, bytes)),
      check: () => victim.check(),
      settled: () => victim.settled(),
      close: () => victim.end(),
    };
  },
};

function request(dice: Dice): string {
  const name = dice.pick(ENDPOINT_NAMES);
  const { method, path, parameters } = CONTRACT[name];
  const isKnown = dice.chance(0.6) && !OBEYED.has(name);
  const values = new URLSearchParams();
  for (const parameter of Object.keys(parameters)) {
    if (dice.chance(0.15)) continue;
    // A small number may be a shard of the fleet, and its operator would be obeyed.
    const value = dice.chance(0.5) ? dice.text() : String(dice.number() + SHARDS);
    values.set(parameter, isKnown && /^\d$/.test(value) ? '99999' : value);
  }
  if (dice.chance(0.2)) values.set(dice.text().slice(0, 50), dice.text());
  const filled = path.replaceAll(/:\w+/g, () => dice.inUrl());
  const isForm = method === 'POST';
  const written = isForm && dice.chance(0.4) ? JSON.stringify(dice.value()) : values.toString();
  const target = isForm || written === '' ? filled : `${filled}?${written}`;
  const type = dice.pick([
    'application/x-www-form-urlencoded',
    'application/json',
    'text/plain',
    'multipart/form-data',
  ]);
  const head = [
    `${dice.chance(0.9) ? method : dice.pick(['PUT', 'TRACE', 'OPTIONS', 'HEAD', 'CONNECT'])} ${target} HTTP/1.1`,
    `host: ${dice.chance(0.8) ? 'localhost' : dice.pick(['evil.example', '127.0.0.1@evil', '', 'a b'])}`,
    ...(dice.chance(0.1) ? ['origin: https://evil.example'] : []),
    ...(dice.chance(0.1) ? [`x-request-id: ${dice.text().replaceAll(/[\r\n\0]/g, '')}`] : []),
    ...(dice.chance(0.1) ? [`x-requested-by: ${dice.text().replaceAll(/[\r\n\0]/g, '')}`] : []),
    ...(isForm ? [`content-type: ${type}`, `content-length: ${Buffer.byteLength(written, 'latin1')}`] : []),
    'connection: close',
  ].join('\r\n');
  return `${head}\r\n${isKnown ? RIGHT : dice.pick(REFUSED)}\r\n${isForm ? written : ''}`;
}

function noRequest(dice: Dice): string {
  const good = `GET /status HTTP/1.1\r\nhost: localhost\r\n${RIGHT}\r\n`;
  switch (dice.below(8)) {
    case 0:
      return String.fromCharCode(...dice.bytes(dice.below(300)));
    case 1: {
      const at = dice.below(good.length);
      return `${good.slice(0, at)}${String.fromCharCode(dice.below(256))}${good.slice(at + 1)}`;
    }
    case 2:
      return good.slice(0, dice.below(good.length));
    case 3:
      return `GET /status HTTP/1.1\r\nhost: localhost\r\n${'x: y\r\n'.repeat(dice.pick([100, 3_000]))}\r\n`;
    case 4:
      return `POST /stopshard HTTP/1.1\r\nhost: localhost\r\n${RIGHT}transfer-encoding: chunked\r\n\r\n${dice.pick(['ffffffff', '-1', 'zz', ''])}\r\n`;
    case 5:
      return `POST /stopshard HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n${RIGHT}\r\n0\r\n\r\nGET /`;
    case 6:
      return `POST /stopshard HTTP/1.1\r\nhost: localhost\r\n${RIGHT}content-length: ${dice.pick(['99999999999', '-1', '5, 6', '70000'])}\r\n\r\nabc`;
    default:
      return `GET /${dice.inUrl()}%${dice.text().slice(0, 5)} HTTP/${dice.pick(['1.1', '1.0', '0.9', '2.0', '9'])}\r\nhost: localhost\r\n${RIGHT}connection: close\r\n\r\n`;
  }
}
