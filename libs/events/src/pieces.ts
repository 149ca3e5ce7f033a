import { z } from 'zod'

/** Whole number, 0 or more. Offsets too: they stay far below 2^53. */
export const count = z.int().min(0)

/** Number from 0 to 1. */
export const share = z.number().min(0).max(1)

/** ISO 8601 in UTC: `2001-01-14T09:30:00.000Z`. */
export const instant = z.iso.datetime()

/** An opaque identifier. */
export const id = z.string().min(1).max(200)

/** Name of a namespace or of a resource. */
export const name = z.string().min(1).max(200)

/** A message for people. */
export const words = z.string().max(4_000)

export const sha256 = z.string().regex(/^[0-9a-f]{64}$/)

/** Version of a model: a decimal number as text, counted per model. */
export const version = z.string().regex(/^[1-9][0-9]{0,17}$/)

/** Revision of a resource: 1 when it was first applied. */
export const revision = z.int().min(1)

/** Counts up for each change of a value on a compacted topic; readers ignore what is not newer. */
export const generation = z.int().min(1)

/** A value of a feature, an entity field or a request field. */
export const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()])

/** Numbers by name; null where there is none. */
export const measures = z.record(z.string(), z.number().nullable())

/** Proof by name, for people and for later readers; small, what is large is a blob. */
export const evidence = z.record(z.string(), z.unknown())

/** Which model, as of which revision of its resource. */
export const modelIdentity = { namespace: name, model: name, revision }

/** Which feature view, as of which revision of its resource. */
export const viewIdentity = { namespace: name, view: name, revision }

export const keyOfModel = (data: { namespace: string; model: string }): string => `${data.namespace}/${data.model}`

export const keyOfView = (data: { namespace: string; view: string }): string => `${data.namespace}/${data.view}`

/** Part of a partition: `to` is exclusive. */
export const range = z.object({ topic: name, partition: count, epoch: count, from: count, to: count })

/** From (inclusive) to (exclusive), both null when nothing lies between. */
export const span = z.object({ from: instant.nullable(), to: instant.nullable() })
