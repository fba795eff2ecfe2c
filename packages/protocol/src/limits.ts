/**
 * Every bound of the protocol in one place. A bound is checked on what we receive and on what we send, so that nobody
 * here sends what a peer of ours would refuse.
 */

/** Default for the body of one frame, in bytes. */
export const MAX_BODY_BYTES: number = 16 * 1024 * 1024;

/** Default for the first frame of a connection, whose sender is not known yet. */
export const MAX_FIRST_BODY_BYTES: number = 64 * 1024;

/**
 * Shard ids are below this, and a total shard count is at most this: more than ten times the largest bot there is. It
 * bounds what the word of a peer, of a configuration or of a request can make us allocate.
 */
export const MAX_SHARDS = 100_000;

/** Containers within containers in one body. Our messages need 3; user events are a bot's own. */
export const MAX_DEPTH = 32;

/**
 * Values in one body, map keys included: one million. Each may cost some 60 bytes once decoded, so a body of the full
 * 16 MiB made of empty maps would take a gigabyte. A heartbeat with the most shards a node could run stays far below.
 */
export const MAX_VALUES: number = 2 ** 20;

/** Fleet calls: arguments, one answer's value, and all values of one call together. */
export const MAX_CALL_ARGS_BYTES: number = 256 * 1024;
export const MAX_CALL_VALUE_BYTES: number = 1024 * 1024;
export const MAX_CALL_BYTES: number = 8 * 1024 * 1024;

/** Identifiers, versions, URLs. */
export const MAX_NAME_LENGTH = 256;
export const MAX_URL_LENGTH = 2048;
/** Sentences meant for people; longer ones are cut when they are sent. */
export const MAX_TEXT_LENGTH = 4096;
/** Capabilities a peer may name, known or not. */
export const MAX_CAPABILITIES = 64;
export const MAX_EVENT_ID: number = 2 ** 32 - 1;
