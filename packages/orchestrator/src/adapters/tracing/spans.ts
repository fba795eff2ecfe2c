/**
 * OpenTelemetry spans of operations and migrations, made from the history. Off by default (`tracing`). The package
 * `@opentelemetry/api` is the user's, as is the provider that the process registers; without a provider the calls here
 * do nothing.
 *
 * What goes wrong here is logged once, and changes nothing else.
 */
import type * as OpenTelemetry from '@opentelemetry/api';
import type { Span, SpanStatusCode, Tracer } from '@opentelemetry/api';
import { messageOf } from '@dshard/protocol';
import type { Clock, Logger } from '@dshard/transport';
import type { OrchestratorState } from '../../domain/state/state.js';
import { OrchestratorError } from '../../errors.js';
import type { RecordedEntry } from '../../runtime/contract.js';
import { spanStepsOf, stepsBetween, type SpanStep } from './steps.js';

type Api = Pick<typeof OpenTelemetry, 'trace' | 'context'>;
const ERROR: SpanStatusCode.ERROR = 2;
/** Of operations and migrations that are under way at once. */
const MOST_SPANS = 10_000;

/** Rejects with DSO_TRACING_UNAVAILABLE. */
export async function loadSpans(
  version: string,
  surroundings: { clock: Clock; logger: Logger },
  load: () => Promise<Api> = () => import('@opentelemetry/api'),
): Promise<Spans> {
  try {
    const { trace, context } = await load();
    return new Spans({ trace, context }, trace.getTracer('dshardorchestrator', version), surroundings);
  } catch (cause) {
    throw new OrchestratorError(
      'DSO_TRACING_UNAVAILABLE',
      `The setting tracing is on, and @opentelemetry/api cannot be loaded (${messageOf(cause)}). Install the package next to the orchestrator: npm install @opentelemetry/api. Or set tracing to false.`,
      { cause },
    );
  }
}

export class Spans {
  readonly #api: Api;
  readonly #tracer: Tracer;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #open = new Map<string, Span>();
  #migrations: OrchestratorState['migrations'] = new Map();
  #isBroken = false;

  constructor(api: Api, tracer: Tracer, { clock, logger }: { clock: Clock; logger: Logger }) {
    this.#api = api;
    this.#tracer = tracer;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** An entry of the history. */
  readonly entry = (entry: RecordedEntry): void => {
    this.#take(spanStepsOf(entry), entry.at);
  };

  /** After each decision. */
  readonly state = ({ migrations }: OrchestratorState): void => {
    const steps = stepsBetween(this.#migrations, migrations);
    this.#migrations = migrations;
    if (steps.length > 0) this.#take(steps, this.#clock.wallClock());
  };

  /** What is under way goes on under another orchestrator, or was cut: its spans end here, with that said. */
  close(): void {
    for (const span of this.#open.values()) {
      span.addEvent('orchestratorLeft', {}, this.#clock.wallClock());
      span.end(this.#clock.wallClock());
    }
    this.#open.clear();
  }

  #take(steps: readonly SpanStep[], at: number): void {
    try {
      for (const step of steps) this.#apply(step, at);
    } catch (error) {
      if (!this.#isBroken) this.#logger.error({ err: error }, `A span could not be made: ${messageOf(error)}`);
      this.#isBroken = true;
    }
  }

  #apply(step: SpanStep, at: number): void {
    const { id, attributes } = step;
    const span = this.#open.get(id);
    switch (step.kind) {
      case 'begin':
        if (span === undefined && this.#open.size < MOST_SPANS) this.#begin(step, at);
        return;
      case 'event':
        span?.addEvent(step.name, attributes, at);
        return;
      case 'end':
        if (span === undefined) return;
        span.setAttributes(attributes);
        if (step.failure !== null) span.setStatus({ code: ERROR, message: step.failure });
        span.end(at);
        this.#open.delete(id);
    }
  }

  #begin({ id, name, parent, attributes }: SpanStep & { kind: 'begin' }, at: number): void {
    const { trace, context } = this.#api;
    const above = parent === null ? undefined : this.#open.get(parent);
    const root = context.active();
    const within = above === undefined ? root : trace.setSpan(root, above);
    this.#open.set(id, this.#tracer.startSpan(name, { attributes, startTime: at }, within));
    const step = this.#migrations.get(id)?.step.kind;
    if (step !== undefined) this.#open.get(id)?.addEvent(step, {}, at);
  }
}
