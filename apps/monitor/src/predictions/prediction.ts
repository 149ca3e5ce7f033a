import { type DataOf, type predictionMade } from '@cascata/events'

/** A prediction as the log of the monitor takes it in. */
export type Prediction = DataOf<typeof predictionMade>

export const modelOf = ({ namespace, model }: Pick<Prediction, 'namespace' | 'model'>): string => `${namespace}/${model}`

/** Whether callers got this answer; what ran in shadow says nothing about what was served. */
export const isServed = ({ role }: Pick<Prediction, 'role'>): boolean => role !== 'shadow'
