import type { OrchestratorOptions } from '../../src/runtime/contract.js';
import { recordingLogger } from '../recording-logger.js';
import { settings } from './settings.js';

/** What an orchestrator is given that has nobody to launch nodes, to ask for versions or to ask Discord. */
export function alone(): Pick<
  OrchestratorOptions,
  'token' | 'settings' | 'stopGraceMs' | 'launcher' | 'versionSource' | 'gatewayInfo' | 'logger'
> {
  return {
    token: null,
    settings: settings(),
    stopGraceMs: 1_000,
    launcher: null,
    versionSource: null,
    gatewayInfo: null,
    logger: recordingLogger(),
  };
}
