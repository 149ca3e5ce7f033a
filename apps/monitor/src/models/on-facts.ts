import {
  type findingClosed,
  type findingOpened,
  type DataOf,
  type labelsRipened,
  type resourceApplied,
  type resourceDeleted,
  type routeChanged,
  type rowsIngested,
  type rowsRejected,
  type versionApproved,
  type versionRegistered,
} from '@cascata/events'
import { done, drop, type Handler } from '@cascata/messaging'
import { keepClosed, keepOpened } from '../findings/findings.store.ts'
import { keepHoldout, keepRegistration } from '../versions/versions.store.ts'
import { countRows } from '../views/view-rows.store.ts'
import { keepRipe, keepServing, lockModel, markDirty } from './models.store.ts'

type On<Definition extends { validate: (data: never) => unknown }> = Handler<DataOf<Definition>>

/** Another policy may judge what is there otherwise. The spec itself is kept by messaging. */
export const onResource: On<typeof resourceApplied | typeof resourceDeleted> = async (
  { data: { kind, namespace, name } },
  tx,
) => {
  if (kind === 'Model') await markDirty(tx, [`${namespace}/${name}`])
  return done
}

/** What serves: findings are about the champion, and about fairness of the candidate. */
export const onRoute: On<typeof routeChanged> = async ({ data: { namespace, model: name, champion, candidate } }, tx) => {
  const { model } = await lockModel(tx, { namespace, name })
  await keepServing(tx, model, champion, candidate ?? null)
  return done
}

/** Labels have ripened: what was predicted up to there can be joined with them. */
export const onLabelsRipened: On<typeof labelsRipened> = async (event, tx) => {
  const { namespace, model: name, ripe, labelled, cutoff } = event.data
  const known = await lockModel(tx, { namespace, name })
  if (known.cutoff && Date.parse(cutoff) < known.cutoff.getTime()) return drop('an earlier cutoff than the one that is known')
  const { id, correlationid, traceparent } = event
  await keepRipe(tx, known.model, {
    ripe,
    labelled,
    cutoff,
    cause: { id, correlationid, ...(traceparent ? { traceparent } : {}) },
  })
  return done
}

export const onVersionRegistered: On<typeof versionRegistered> = async ({ data }, tx) => {
  await keepRegistration(tx, `${data.namespace}/${data.model}`, data.version, data)
  return done
}

/** The holdout's metric is what realised performance is held against. */
export const onVersionApproved: On<typeof versionApproved> = async ({ data }, tx) => {
  const { holdout, namespace, model, version } = data
  await keepHoldout(tx, `${namespace}/${model}`, version, holdout ? { metric: holdout.metric, value: holdout.value } : null)
  return done
}

export const onRowsIngested: On<typeof rowsIngested> = async ({ data: { namespace, view, rows, watermark }, time }, tx) => {
  await countRows(tx, { namespace, view }, { accepted: rows, watermark, otherwise: time })
  return done
}

export const onRowsRejected: On<typeof rowsRejected> = async ({ data: { namespace, view, count }, time }, tx) => {
  await countRows(tx, { namespace, view }, { rejected: count, otherwise: time })
  return done
}

const MONITOR = '/cascata/monitor'

/** Findings of other apps are listed beside the monitor's own. */
export const onFindingOpened: On<typeof findingOpened> = async ({ data, source, time }, tx) => {
  if (source === MONITOR) return drop('it is our own')
  await keepOpened(tx, source.replace('/cascata/', ''), data, time)
  return done
}

export const onFindingClosed: On<typeof findingClosed> = async ({ data, source, time }, tx) => {
  if (source === MONITOR) return drop('it is our own')
  await keepClosed(tx, data, time)
  return done
}
