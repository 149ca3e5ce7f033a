import type { Apps } from '../apps.ts'
import { preciseNow, quantile, type BenchContext, type Metrics } from '../context.ts'
import { entities, fieldsPerView, viewName } from './workload.ts'

const view = 0
const topic = `bench-${viewName(view)}`

const message = (id: number) => {
  const fields = Array.from({ length: fieldsPerView }, (_, field) => [`f${field}`, id])
  return {
    key: String(id),
    value: JSON.stringify({ id, at: new Date().toISOString(), ...Object.fromEntries(fields) }),
    partition: 0,
  }
}

/** From the moment before a row is published until a look-up has it, beside 1,000 other rows a second. */
export async function freshness({ full, say }: BenchContext, apps: Apps): Promise<Metrics> {
  const store = apps.client('feature-store')
  const seen = async (id: number): Promise<boolean> => {
    const { statuses } = await store.post<{ statuses: string[][] }>('/v1/features', {
      features: [`${viewName(view)}:f0`],
      entities: { id: [id] },
    })
    return statuses[0]![0] === 'PRESENT'
  }
  let other = 0
  const sending = new Set<Promise<void>>()
  const load = setInterval(() => {
    const sent = apps.producer.send({ topic, messages: Array.from({ length: 10 }, () => message(other++ % entities)) })
    const kept = sent.then(() => void sending.delete(kept))
    sending.add(kept)
  }, 10)
  const latencies: number[] = []
  try {
    for (let probe = 0; probe < (full ? 500 : 120); probe += 1) {
      const id = 10 * entities + probe
      const begun = preciseNow()
      await apps.producer.send({ topic, messages: [message(id)] })
      while (!(await seen(id))) if (preciseNow() - begun > 30_000) throw new Error('a row is not visible after 30 s')
      latencies.push(preciseNow() - begun)
    }
  } finally {
    clearInterval(load)
    await Promise.all(sending)
  }
  const [p50, p99] = [quantile(latencies, 0.5), quantile(latencies, 0.99)]
  say(`visible after ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`)
  return { visible_p50_ms: p50, visible_p99_ms: p99 }
}
