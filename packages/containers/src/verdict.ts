/** What a tour in containers measures, and what of it is amiss: nothing is excused. */
import type { Ending, LedgerFigures, Spread } from '@dshard/demo';

export const TOURS = ['compose', 'kube'] as const;
export type TourName = (typeof TOURS)[number];

export type CacheFigures = { compared: number; different: number; examples: readonly string[] };

export type TourInput = {
  shards: number;
  ledger: LedgerFigures;
  /** IDENTIFYs of the client that is compared with. */
  referenceIdentifies: number;
  caches: CacheFigures;
  /** Containers of the bot that were ended, in time or not. */
  endings: readonly Ending[];
  graceMs: number;
  gapMs: Spread;
  /** Before and after the orchestrator's container was another: who runs what, and on which connection. */
  orchestratorReplaced: { before: string; after: string };
  /** Of a look into the containers: a sentence for each thing that is not as it should be. */
  findings: readonly string[];
};

export type TourVerdict = {
  ok: boolean;
  events: { emitted: number; handled: number; lost: number; duplicated: number; redelivered: number };
  identifies: { used: number; needed: number };
  caches: { compared: number; different: number };
  endings: readonly Ending[];
  gapMs: Spread;
  orchestratorNoticed: boolean;
  reasons: readonly string[];
};

export function judge(input: TourInput): TourVerdict {
  const { shards, ledger, caches, endings, graceMs, gapMs, orchestratorReplaced, findings } = input;
  const used = ledger.identifiesUsed - input.referenceIdentifies;
  const { emitted, handled, lost, duplicated, redelivered, outOfOrder } = ledger;
  const orchestratorNoticed = orchestratorReplaced.before !== orchestratorReplaced.after;
  const reasons = [
    emitted === 0 && 'no event was emitted',
    lost > 0 && `${lost} events were lost`,
    duplicated > 0 && `${duplicated} events were handled twice`,
    redelivered > 0 && `${redelivered} events came again, marked, though no bot died`,
    outOfOrder > 0 && `${outOfOrder} events were handled out of order`,
    handled !== emitted && `${emitted} events were emitted and ${handled} handled`,
    used !== shards && `${used} IDENTIFYs were used where ${shards} were needed`,
    caches.compared === 0 && 'no cache was compared',
    caches.different > 0 && `${caches.different} of ${caches.compared} fields of the caches are different`,
    endings.length === 0 && 'no container of the bot was ended',
    ...endings.map(({ node, code, signal, tookMs }) =>
      code !== 0
        ? `${node} ended with ${signal ?? `exit code ${code}`}`
        : tookMs >= graceMs && `${node} ended ${tookMs} ms after SIGTERM, and ${graceMs} are allowed`,
    ),
    orchestratorNoticed &&
      `shards noticed the end of the orchestrator's container. Before: ${orchestratorReplaced.before}. After: ${orchestratorReplaced.after}`,
    ...findings,
    ...caches.examples,
    ...ledger.findings,
    ...ledger.doubleAttaches,
  ].filter((reason) => reason !== false);
  return {
    ok: reasons.length === 0,
    events: { emitted, handled, lost, duplicated, redelivered },
    identifies: { used, needed: shards },
    caches: { compared: caches.compared, different: caches.different },
    endings,
    gapMs,
    orchestratorNoticed,
    reasons,
  };
}
