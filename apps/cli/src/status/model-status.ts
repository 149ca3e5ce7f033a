import { type Context } from '../context.ts'
import { CommandError } from '../errors.ts'
import { path } from '../http.ts'
import { type Name } from '../names.ts'
import { type App, apps } from '../platform.ts'

/** What the apps say about a model; null where one has nothing, or does not answer. */
export interface ModelStatus extends Name {
  route: Route | null
  training: Training | null
  runs: Run[]
  findings: Finding[]
  /** Apps that did not answer, with the reason. */
  silent: Record<string, string>
}

/** What serves, by the deployer. */
export interface Route {
  serving: string | null
  candidate: string | null
  shadow: string | null
  rollout: { version: string; state: string; step: number; share: number; reason: string | null } | null
  waiting: { version: string } | null
}

/** A model's trainings, by the dispatcher. */
export interface Training {
  state: string
  suspended: { since: string | null; reason: string } | null
  pausedBy: string | null
  frozenBy: { type: string }[]
  labels: { ripe: number; labelled: number; cutoff: string | null } | null
  lastDataset: { labelled: number } | null
  nextTrigger: { trigger: string; due: string | null } | null
}

/** A training run, by the dispatcher. */
export interface Run {
  run: string
  namespace: string
  model: string
  state: string
  awaiting: string | null
  trigger: string
  version: string | null
  requestedAt: string
  progress: { share: number } | null
  why: string | null
  evidence: Gate[]
  [more: string]: unknown
}

/** A gate and what it saw. */
export interface Gate {
  gate: string
  passed: boolean
  value: number | string | null
  interval?: [number, number]
  bound: number | string | null
  rows: number
  note?: string
}

/** An open finding, by the monitor. */
export interface Finding {
  finding?: string
  type: string
  state?: string
  model?: string
  view?: string
  version?: string | null
  measure?: string
  size?: number | null
  threshold?: number | null
  openedAt?: string
}

/** Lists come bare or in an object. */
export const rowsOf = <T>(answer: unknown, name: string): T[] => {
  if (Array.isArray(answer)) return answer as T[]
  const inside = (answer as Record<string, unknown> | undefined)?.[name]
  return Array.isArray(inside) ? (inside as T[]) : []
}

/** Asks every app about a model. */
export async function statusOf(context: Context, model: Name): Promise<ModelStatus> {
  const silent: Record<string, string> = {}
  const ask = async <T>(app: App, route: string, query?: Record<string, string>): Promise<T | null> => {
    try {
      return (await context.app(app).find<T>(route, query)) ?? null
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      silent[app] = error.message
      return null
    }
  }
  const qualified = `${model.namespace}/${model.name}`
  const [route, training, runs, findings] = await Promise.all([
    ask<Route>('deployer', path`/v1/routes/${model.namespace}/${model.name}`),
    ask<Training>('dispatcher', path`/v1/models/${model.namespace}/${model.name}`),
    ask<unknown>('dispatcher', '/v1/runs', { model: qualified }),
    ask<unknown>('monitor', '/v1/findings', { model: qualified, state: 'open' }),
  ])
  return { ...model, route, training, runs: rowsOf<Run>(runs, 'runs'), findings: rowsOf<Finding>(findings, 'findings'), silent }
}

/** Whether an app is ready. */
export interface Health {
  app: App
  ready: boolean
  why: string
}

export async function healthOf(context: Context): Promise<Health[]> {
  return Promise.all(
    apps.map(async (app) => {
      try {
        await context.app(app).text('/readyz')
        return { app, ready: true, why: '' }
      } catch (error) {
        if (!(error instanceof CommandError)) throw error
        return { app, ready: false, why: context.platform.notReady[app] ?? error.message }
      }
    }),
  )
}
