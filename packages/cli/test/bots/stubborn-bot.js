/** A bot that never connects and does not want to go. */
import { createServer } from 'node:net';

process.on('SIGTERM', () => process.stdout.write('I stay\n'));
// Something open keeps the process alive.
createServer().listen(0, '127.0.0.1', () => process.stdout.write('stubborn\n'));
