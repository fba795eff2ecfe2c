/** Node ids, versions and names come from elsewhere: what they print must not move the cursor. */
export function printable(text: string, instead = '?'): string {
  return text.replaceAll(/\p{Cc}/gu, instead);
}
