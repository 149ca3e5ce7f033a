import { type Aggregation } from './feature-view.ts'

const hour = 3_600_000
const day = 24 * hour

/** The hop that the tail of a window of `window` ms moves by, in ms; UTC. */
export const hopOf = (window: number): number => (window < 12 * hour ? 300_000 : window < 12 * day ? hour : day)

/** The longest window that a view may ask for, in ms: it takes a tile a day. */
export const longestAllowed = 1000 * day

/** What an aggregate of a window is called. */
export const aggregateName = (name: string, window: { readonly name: string }): string => `${name}_${window.name}`

/** The longest window of a view's aggregations, in ms; 0 without any. */
export const longestWindow = (aggregations: Readonly<Record<string, Pick<Aggregation, 'windows'>>>): number =>
  Math.max(0, ...Object.values(aggregations).flatMap(({ windows }) => windows.map(({ ms }) => ms)))
