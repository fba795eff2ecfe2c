/** Short, so that what never answers is left soon; long enough for a machine that is busy with other tests. */
export const TEST_TIMEOUTS = { handshakeMs: 2_000, helloMs: 2_000, resumeMs: 2_000, closeMs: 2_000, backoffMinMs: 20 };
