/** What was said of hosts, as records: `host/<name>`. */
import type { HostState } from '../state/hosts.js';
import { nullOr, object, picked, text, time, type Shape } from '../state/shape.js';
import { recordsOfMap, type Codec } from './records.js';

const HOST: Shape<HostState> = {
  cordoned: nullOr(object({ since: time, by: text })),
  deadSince: nullOr(time),
};

export const HOSTS: Codec<HostState, HostState> = recordsOfMap({
  kind: 'host',
  map: ({ hosts }) => hosts,
  write: (host) => picked(HOST, host),
  read: object(HOST),
});
