/** A sentence as a reason: the domain puts it into a sentence of its own, which has its own period. */
export function asReason(sentence: string): string {
  return sentence.replace(/\.$/, '');
}
