import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import type { BenchContext, Metrics } from '../context.ts'

interface Joined {
  built: { seconds: number; cpu: number }
  /** Seconds until everything was joined, before the file is written, hashed and profiled. */
  joined: number
  hand: { seconds: number; cpu: number }
  peak: number
  differing: number
}

const script = resolve(import.meta.dirname, '../../../apps/feature-store/src/datasets/joins.process.ts')
const gibibyte = 1024 ** 3

/** Training rows by the builder of datasets, and by SQL written by hand, which must say the same. */
export async function joins({ home, full, say }: BenchContext): Promise<Metrics> {
  const cases = full
    ? [
        { name: 'one_view', observations: 1_000_000, views: 1, rows: 5_000_000 },
        { name: 'five_views', observations: 1_000_000, views: 5, rows: 10_000_000 },
      ]
    : [
        { name: 'one_view', observations: 200_000, views: 1, rows: 1_000_000 },
        { name: 'five_views', observations: 100_000, views: 5, rows: 500_000 },
      ]
  const metrics: Metrics = {}
  for (const { name, observations, views, rows } of cases) {
    const child = fork(script, [join(home, `joins-${name}`), ...[observations, views, rows, 2 * gibibyte].map(String)], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
    })
    const ended = once(child, 'exit')
    const message = await Promise.race([once(child, 'message'), ended.then(() => null)])
    if (!message) throw new Error('the process that joins ended early')
    await ended
    const [{ built, joined, hand, peak, differing }] = message as [Joined]
    if (differing > 0) throw new Error(`${differing} rows of ${name} are not what the SQL by hand says`)
    say(
      `${name}: ${built.seconds.toFixed(1)} s (joined after ${joined.toFixed(1)}), by hand ${hand.seconds.toFixed(1)} s, ${Math.round(peak)} MiB`,
    )
    Object.assign(metrics, {
      [`join_${name}_s`]: built.seconds,
      [`join_${name}_joined_s`]: joined,
      [`join_${name}_by_hand_s`]: hand.seconds,
      [`join_${name}_of_by_hand`]: built.seconds / hand.seconds,
      [`join_${name}_cpu_s`]: built.cpu,
      [`join_${name}_by_hand_cpu_s`]: hand.cpu,
      [`join_${name}_peak_mib`]: peak,
    })
  }
  return metrics
}
