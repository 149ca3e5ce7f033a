import { type Client, type Clock, type Logger, urlPath } from '@cascata/service'
import { type Realised } from './decide-rollout.ts'
import { type Rollout } from './deployment.ts'
import { type ModelName } from './deployments.store.ts'

/** How a version did on ripe labels; null when there are none, undefined while the answer is not known yet. */
export type AskRealised = (model: ModelName, rollout: Rollout) => Promise<Realised | null | undefined>

interface Answer {
  /** Up to where predictions have their labels. */
  cutoff: string | null
  versions: Record<string, { labelled: number }>
  /** How much better the last version named is than the first. */
  difference: { metric: string; value: number; interval: [number, number] } | null
}

/** Asks the monitor, each rollout at most every `everyMs`: labels are joined over there, in its own time. */
export const askMonitor = ({
  client,
  clock,
  log,
  everyMs,
}: {
  client: Client
  clock: Clock
  log: Logger
  everyMs: number
}): AskRealised => {
  const asked = new Map<string, number>()
  return async ({ namespace, model }, { id, version, champion, randomised }) => {
    if (champion === null || randomised === null) return null
    if (clock.now() - (asked.get(id) ?? Number.NEGATIVE_INFINITY) < everyMs) return undefined
    if (asked.size > 10_000) asked.clear()
    asked.set(id, clock.now())
    const [from, to] = [randomised.from, randomised.to + 1].map((ms) => new Date(ms).toISOString())
    try {
      const answer = await client.get<Answer>(urlPath`/v1/models/${namespace}/${model}/realised`, {
        query: { versions: `${champion},${version}`, from: from!, to: to! },
        retries: 0,
      })
      if (answer.cutoff === null || Date.parse(answer.cutoff) < randomised.to) return undefined
      if (!answer.difference) return null
      const { metric, value, interval } = answer.difference
      return { metric, rows: answer.versions[version]?.labelled ?? 0, difference: value, interval }
    } catch (error) {
      log.info({ err: error, namespace, model }, 'the monitor has no word on a version in bake yet')
      return undefined
    }
  }
}
