/**
 * The bytes that a proof of the shared token is made of; docs/reference/protocol.md has them field by field. Nothing
 * secret is in them: the token is the key of the HMAC (SHA-256) that is made of them at the edges.
 *
 * Each field stands behind its length, so that no two exchanges have the same bytes. Both nonces are in: a proof is
 * good for one connection. The role is in: what one side sent is nothing that the other side could send. What the node
 * said first is in: a stranger on the way cannot take a capability out.
 */
export const NONCE_BYTES = 32;
/** Of SHA-256. */
export const MAC_BYTES = 32;

const LABEL = 'dshard auth-hmac 1';
const textEncoder = new TextEncoder();

/** What both sides know before one of them proves anything. */
export type Exchange = {
  nodeNonce: Uint8Array;
  orchestratorNonce: Uint8Array;
  /** As the first Identify names it: empty where the node wants one. */
  nodeId: string;
  /** As the first Identify names them, in its order. */
  capabilities: readonly string[];
};

/** @param identify of the node's proof: the body of the whole Identify that comes with it. */
export function provenBytes(exchange: Exchange, identify: Uint8Array | null): Uint8Array {
  const { nodeNonce, orchestratorNonce, nodeId, capabilities } = exchange;
  const role = identify === null ? 'O' : 'N';
  return behindLengths([
    ...[LABEL, role].map(utf8),
    nodeNonce,
    orchestratorNonce,
    utf8(nodeId),
    behindLengths(capabilities.map(utf8)),
    ...(identify === null ? [] : [identify]),
  ]);
}

function utf8(text: string): Uint8Array {
  return textEncoder.encode(text);
}

/** Each field: its length (u32, little endian), then its bytes. */
function behindLengths(fields: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(fields.reduce((sum, { length }) => sum + 4 + length, 0));
  const view = new DataView(all.buffer);
  let at = 0;
  for (const field of fields) {
    view.setUint32(at, field.length, true);
    all.set(field, at + 4);
    at += 4 + field.length;
  }
  return all;
}
