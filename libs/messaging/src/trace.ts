import { randomBytes } from 'node:crypto'
import { context, propagation, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Cause, CloudEvent } from '@cascata/events'

/**
 * W3C trace context for what follows: of the active span where a tracer runs; else the cause's trace with a new span id;
 * else a new trace. So one trace covers a cascade over all hops, whether or not anybody records it.
 */
export function traceparentOf(cause?: Pick<Cause, 'traceparent'>): string {
  const span = trace.getSpanContext(context.active())
  if (span && trace.isSpanContextValid(span)) return `00-${span.traceId}-${span.spanId}-0${span.traceFlags & 1}`
  const traceId = /^00-([0-9a-f]{32})-/.exec(cause?.traceparent ?? '')?.[1] ?? randomBytes(16).toString('hex')
  return `00-${traceId}-${randomBytes(8).toString('hex')}-01`
}

/** Runs `work` in a span that continues the event's trace. Costs nothing where no tracer is installed. */
export async function traced<T>(consumer: string, event: CloudEvent, work: () => Promise<T>): Promise<T> {
  const parent = propagation.extract(context.active(), { traceparent: event.traceparent })
  const attributes = {
    'messaging.system': 'kafka',
    'messaging.consumer.group.name': consumer,
    'cloudevents.event_type': event.type,
    'cascata.cascade': event.correlationid,
  }
  return trace
    .getTracer('cascata')
    .startActiveSpan(`handle ${event.type}`, { kind: SpanKind.CONSUMER, attributes }, parent, (span) => ended(span, work))
}

async function ended<T>(span: Span, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    span.recordException(error as Error)
    span.setStatus({ code: SpanStatusCode.ERROR })
    throw error
  } finally {
    span.end()
  }
}
