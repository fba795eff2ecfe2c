/** `dso token list` and `dso audit`. */
import type { ApiTokenList, AuditList } from '@dshard/api';

export function describeTokens({ tokens }: ApiTokenList): string {
  if (tokens.length === 0) return 'There is none. Make one: dso token create <name> <role>';
  return tokens
    .map(({ name, role, createdBy, expiresAt, lastUsedAt }) => {
      const end = expiresAt === null ? 'never ends' : `ends ${new Date(expiresAt).toISOString()}`;
      const used = lastUsedAt === null ? 'not used lately' : `used ${new Date(lastUsedAt).toISOString()}`;
      return `${name.padEnd(20)}  ${role.padEnd(7)}  ${end}, ${used}, made by ${createdBy}`;
    })
    .join('\n');
}

export function describeAudit({ entries }: AuditList): string {
  if (entries.length === 0) return 'Nothing was asked for yet.';
  return entries
    .map(({ at, token, client, from, action, parameters, status, code }) => {
      const end = status === null ? 'not answered' : `${status}${code === null ? '' : ` ${code}`}`;
      return `${new Date(at).toISOString()}  ${action} ${parameters}  ${end}  (${client}, ${token}, from ${from})`;
    })
    .join('\n');
}
