import { codeOf, isCallersFault, versionNotServed } from '../errors.ts'
import { assign, besideOf, shareOf } from './decide-route.ts'
import { type ServedVersion } from './model-pool.ts'
import { type Serving } from './serving.ts'

export type Role = 'champion' | 'candidate' | 'shadow' | 'fallback'

/** How one version did on one unit. */
export interface Outcome<R> {
  version: string
  role: Role
  bucket: number | null
  propensity: number
  ms: number
  result?: R
  error?: string
}

export interface Answered<R> {
  version: ServedVersion
  result: R
  /** Of the version that answered, and before it of those that could not. */
  outcomes: Outcome<R>[]
}

interface Ask<R> {
  serving: Serving
  unit: string | undefined
  /** `performance.now()` at the arrival of the request. */
  began: number
  ask(version: ServedVersion): Promise<R>
  /** Failures of versions that nobody could answer in place of. */
  onFailure(outcomes: Outcome<R>[]): void
}

/**
 * Asks the version that the split says; when it can't answer, the one beside it does, and the failure counts as an error of the first.
 * What no version accepts is the caller's fault, and nobody's error.
 *
 * @throws the failure of the last version asked
 */
export async function answer<R>({ serving, unit, began, ask, onFailure }: Ask<R>): Promise<Answered<R>> {
  const { route } = serving
  const assigned = assign(route, unit, Math.random())
  const outcomes: Outcome<R>[] = []
  const attempt = async (name: string, role: Role): Promise<Answered<R>> => {
    const outcome: Outcome<R> = { version: name, role, bucket: assigned.bucket, propensity: shareOf(route, name), ms: 0 }
    outcomes.push(outcome)
    try {
      const version = serving.version(name)
      if (!version) throw versionNotServed({ model: `${route.namespace}/${route.model}`, version: name })
      const result = (outcome.result = await ask(version))
      return { version, result, outcomes }
    } catch (error) {
      outcome.error = codeOf(error)
      throw error
    } finally {
      outcome.ms = performance.now() - began
    }
  }

  let failure: unknown
  try {
    return await attempt(assigned.version, assigned.role)
  } catch (error) {
    failure = error
  }
  for (const name of besideOf(route, assigned.version)) {
    try {
      return await attempt(name, 'fallback')
    } catch (error) {
      failure = error
    }
  }
  if (!isCallersFault(failure)) onFailure(outcomes)
  throw failure
}
