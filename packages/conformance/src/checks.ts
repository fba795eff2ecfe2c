/** What cases ask of a verdict. */
import type { Verdict } from '@dshard/gateway-emulator';
import { CheckFailed } from './trial.js';

const findings = ['lost', 'duplicated', 'outOfOrder', 'unexpected'] as const;

/** Every event that a session was given was handled once and in order. What nobody could get (`missed`) is not asked for. */
export function handledOnce(verdict: Verdict): void {
  for (const finding of findings) {
    if (verdict[finding] === 0) continue;
    const examples = verdict.examples.slice(0, 3).join('; ');
    throw new CheckFailed(finding, `${verdict[finding]} of ${verdict.emitted} events ${finding}: ${examples}`);
  }
}

/** No rule of Discord was broken. */
export function noViolation(verdict: Verdict): void {
  const [first] = verdict.violations;
  if (first !== undefined)
    throw new CheckFailed(first.kind, `${verdict.violations.length} violations, the first: ${first.message}`);
}

export function identified(verdict: Verdict, times: number): void {
  const { used } = verdict.identifies;
  if (used !== times) throw new CheckFailed('identifies', `IDENTIFY was sent ${used} times and not ${times}`);
}
