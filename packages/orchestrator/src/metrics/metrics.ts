/**
 * The table of all metrics. The answer of `GET /metrics`, docs/reference/metrics.md, and the check of the alert rules
 * and of the dashboard in `deploy/` are made from this table.
 */
import { FLEET_METRICS } from './fleet-metrics.js';
import type { Metrics } from './ledger.js';
import { NODE_METRICS } from './node-metrics.js';
import { OWN_METRICS } from './own-metrics.js';
import { SERVICE_METRICS } from './service-metrics.js';

export const METRICS: Metrics = { ...FLEET_METRICS, ...NODE_METRICS, ...SERVICE_METRICS, ...OWN_METRICS };
