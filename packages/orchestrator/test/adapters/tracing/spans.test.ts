/** Spans as the real SDK of OpenTelemetry keeps them, of a fleet that does what fleets do. */
import { context, trace } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { silentLogger } from '@dshard/transport';
import { virtualClock } from '@dshard/testkit';
import { expect, test } from 'vitest';
import { loadSpans, Spans } from '../../../src/adapters/tracing/spans.js';
import { recordingLogger } from '../../recording-logger.js';
import { LIVE_STEPS } from '../../../src/domain/migration/live-steps.js';
import { scene } from '../../domain/migration/live-scenes.js';
import { drain, type World } from '../../domain/world.js';

function tracing() {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const spans = new Spans({ trace, context }, provider.getTracer('test'), {
    clock: virtualClock(),
    logger: silentLogger,
  });
  return { spans, finished: () => exporter.getFinishedSpans() };
}

/** Lets time pass, and tells the spans of every state and entry, in their order. */
function told(world: World, spans: Spans, work: () => void): void {
  const before = world.entries.length;
  work();
  for (let at = 0; at < 300; at += 1) {
    spans.state(world.state);
    if (!world.deliver(() => 0)) world.pass(100);
  }
  spans.state(world.state);
  world.entries.slice(before).forEach((entry, index) => spans.entry({ ...entry, id: index, at: 1_000 + index }));
}

function named(finished: readonly ReadableSpan[], name: string): readonly ReadableSpan[] {
  return finished.filter((span) => span.name === name);
}

test('an operation is a span, and its migrations are spans below, with ids that the logs have as well', () => {
  const { world } = scene();
  const { spans, finished } = tracing();
  world.ask({ kind: 'uncordonNode', node: 'b' });
  told(world, spans, () => world.command(drain('a', 'b')));
  const [operation, ...others] = named(finished(), 'operation drain');
  expect(others).toEqual([]);
  expect(operation?.attributes).toMatchObject({ 'dso.by': 'alice', 'dso.kind': 'drain', 'dso.outcome': 'done' });
  const migrations = named(finished(), 'migration');
  expect(migrations).toHaveLength(4);
  for (const migration of migrations) {
    expect(migration.parentSpanContext?.spanId).toBe(operation?.spanContext().spanId);
    expect(migration.spanContext().traceId).toBe(operation?.spanContext().traceId);
    expect(migration.attributes['dso.operation']).toBe(operation?.attributes['dso.operation']);
    expect(migration.attributes['dso.frozenMs']).toEqual(expect.any(Number));
    expect(migration.status.code).toBe(0);
  }
});

test('the steps of a migration are events of its span, in their order', () => {
  const { world } = scene();
  const { spans, finished } = tracing();
  const request = world.command({ kind: 'migrateShard', shard: 0, destination: 'b' });
  const seen: string[] = [];
  for (const entry of world.entries) spans.entry({ ...entry, id: 1, at: 1 });
  let told = world.entries.length;
  for (;;) {
    const isOver = !world.deliver(() => 0);
    spans.state(world.state);
    for (const entry of world.entries.slice(told)) spans.entry({ ...entry, id: 1, at: 1 });
    told = world.entries.length;
    if (isOver) break;
  }
  expect(world.replies.get(request)).toMatchObject({ ok: true });
  for (const { name } of named(finished(), 'migration')[0]?.events ?? []) seen.push(name);
  expect(seen.filter((name) => !name.startsWith('migration'))).toEqual(Object.keys(LIVE_STEPS));
});

test('a migration that fails is a span with an error that says why', () => {
  const { world, b } = scene();
  b.fail.add('transferOpen');
  const { spans, finished } = tracing();
  told(world, spans, () => world.command({ kind: 'migrateShard', shard: 0, destination: 'b' }));
  const [migration] = named(finished(), 'migration');
  expect(migration?.status.code).toBe(2);
  expect(migration?.status.message).toMatch(/^Shard 0 was not moved from node a to node b: /);
});

test('what is under way when the orchestrator leaves is told, and not lost', () => {
  const { world, a } = scene();
  a.mute.add('transferCopy');
  const { spans, finished } = tracing();
  world.command({ kind: 'migrateShard', shard: 0, destination: 'b' });
  world.settle();
  world.entries.forEach((entry, index) => spans.entry({ ...entry, id: index, at: index }));
  expect(finished()).toEqual([]);
  spans.close();
  expect(finished().map(({ events }) => events.at(-1)?.name)).toEqual(['orchestratorLeft']);
});

test('a tracer that throws costs a line in the log, once, and nothing else', () => {
  const logger = recordingLogger();
  const tracer = { startSpan: () => expect.unreachable(), startActiveSpan: () => expect.unreachable() };
  const spans = new Spans({ trace, context }, tracer, { clock: virtualClock(), logger });
  const fields = { operation: 'd1', kind: 'drain', parent: null };
  const entry = { id: 1, at: 1, name: 'operationStarted', level: 'info', text: 'x', by: 'alice', fields } as const;
  spans.entry(entry);
  spans.entry({ ...entry, fields: { ...fields, operation: 'd2' } });
  expect(logger.lines.map(({ level }) => level)).toEqual(['error']);
});

test('without the package of OpenTelemetry the start fails with a sentence that says what to install', async () => {
  const missing = (): never => {
    throw new Error("Cannot find package '@opentelemetry/api'");
  };
  const started = loadSpans('1.0.0', { clock: virtualClock(), logger: silentLogger }, async () => missing());
  await expect(started).rejects.toMatchObject({
    code: 'DSO_TRACING_UNAVAILABLE',
    message: expect.stringContaining('npm install @opentelemetry/api'),
  });
});
