import { type Trigger } from '@cascata/events'

/** What a run is named after when several ask, the strongest first. */
const order: readonly Trigger[] = ['manual', 'specChanged', 'performance', 'drift', 'newLabels', 'maxAge', 'schedule']

/** The strongest trigger among causes; there is at least one. */
export const strongest = (causes: readonly { trigger: Trigger }[]): Trigger =>
  order.find((each) => causes.some(({ trigger }) => trigger === each)) as Trigger
