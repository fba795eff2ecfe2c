/** A thread that runs seeds and counts what runs. What is counted is loaded after the count has begun. */
import { startProfile } from './coverage/profile.js';

await startProfile();
await import('./seed-worker.js');
