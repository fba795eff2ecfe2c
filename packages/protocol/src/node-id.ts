/**
 * Node ids name log files and state files, and stand in URLs and command lines: 1–128 printable characters without
 * path separators. Letters of any script are welcome (Go peers use them).
 */

const NODE_ID = /^[^\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Z}/\\]{1,128}$/u;

/** Whether `text` may be the id of a node. The empty id, which asks for one to be given, is not one. */
export function isNodeId(text: string): boolean {
  return NODE_ID.test(text) && text !== '.' && text !== '..';
}
