import { setTimeout as delay } from 'node:timers/promises'
import { isAlive, startDetached, stop, type ProcessRef } from '../processes/process.ts'
import { decideDelay } from './decide-delay.ts'
import { type Unit } from './unit.ts'

/** What is known of a unit now. */
export type UnitState =
  { is: 'waiting'; why: string } | { is: 'starting'; process: ProcessRef; why: string } | { is: 'ready'; process: ProcessRef }

export interface Keeper {
  unit: Unit
  state(): UnitState
  /** Ends its process in an orderly way and no longer starts it. */
  end(): Promise<void>
}

interface Hooks {
  /** A process that an earlier supervisor started. */
  adopted?: ProcessRef | undefined
  /** After each change of state. */
  changed(unit: Unit, state: UnitState): void
  /** After each death that nobody asked for. */
  died(unit: Unit, how: string, delayMs: number): void
}

const watchEveryMs = 100

/** Keeps a unit alive: adopts or starts it, watches it, starts it again after a growing delay. */
export const keepAlive = (unit: Unit, { adopted, changed, died }: Hooks): Keeper => {
  let state: UnitState = { is: 'waiting', why: 'not started yet' }
  let ended = false
  const become = (next: UnitState) => {
    state = next
    changed(unit, next)
  }

  const untilReady = async (ref: ProcessRef) => {
    while (!ended && isAlive(ref)) {
      const why = await unit.answers().then(
        () => undefined,
        (error: Error) => error.message || String(error),
      )
      if (why === undefined) return become({ is: 'ready', process: ref })
      if (state.is !== 'starting' || state.why !== why) become({ is: 'starting', process: ref, why })
      await delay(watchEveryMs)
    }
  }

  const oneLife = async (known: ProcessRef | undefined): Promise<string> => {
    let how = 'unknown'
    const ref = known ?? (await startDetached(unit.command(), unit.logs, (told) => (how = told)))
    become({ is: 'starting', process: ref, why: 'starting' })
    await untilReady(ref)
    while (!ended && isAlive(ref)) await delay(watchEveryMs)
    return how
  }

  const live = async () => {
    let known = adopted && isAlive(adopted) ? adopted : undefined
    let deaths = 0
    while (!ended) {
      const began = performance.now()
      const how = await oneLife(known).catch((error: Error) => error.message)
      known = undefined
      if (ended) return
      const next = decideDelay(deaths, performance.now() - began)
      deaths = next.deaths
      died(unit, how, next.delayMs)
      become({ is: 'waiting', why: `ended (${how}), started again in ${next.delayMs} ms; ${deaths} in a row` })
      await delay(next.delayMs)
    }
  }
  const life = live()

  return {
    unit,
    state: () => state,
    async end() {
      ended = true
      await life
      if (state.is !== 'waiting') await stop(state.process, { signal: unit.stopSignal, patienceMs: unit.patienceMs })
    },
  }
}
