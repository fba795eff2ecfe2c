/** What other programs of this repository use of the demo: its Discord, its fleet of real processes, its verdict. */
export { freePort, wayNumber } from './addresses.js';
export { startDiscord, type Discord } from './discord.js';
export { ReferenceClient } from './discordjs/reference-client.js';
export { botIn, Fleet } from './fleet.js';
export type { BotProgram, FleetOptions } from './fleet.js';
export type { Ending } from './leave-figures.js';
export { DSO_PROGRAM, OrchestratorClient, readableLine, runDso } from './orchestrator.js';
export { followReports } from './reports.js';
export { lineScreen } from './screen.js';
export { Steps, waitFor } from './steps.js';
export { spreadOf, type LedgerFigures, type Spread } from './verdict.js';
