import { type Effect } from './diff-resources.ts'

interface Verdict {
  effect: Effect
  why: string
}

const learnt: Verdict = { effect: 'retrain', why: 'what the model learns from changes' }
const fitted: Verdict = { effect: 'retrain', why: 'the same rows give another model' }

/** By the longest prefix of a field's path. */
const byPrefix: Readonly<Record<string, Verdict>> = {
  metadata: { effect: 'none', why: 'words for readers' },
  'spec.task': { effect: 'refused', why: 'versions of two tasks cannot be compared: make a new model' },
  'spec.observations': learnt,
  'spec.label': learnt,
  'spec.features': learnt,
  'spec.request': learnt,
  'spec.train': fitted,
  'spec.train.rows': learnt,
  'spec.train.split': learnt,
  'spec.train.rows.min': { effect: 'policy', why: 'the next training waits for so many rows' },
  'spec.train.run': { effect: 'policy', why: 'the next run is started with it' },
  'spec.onMissing': { effect: 'inPlace', why: 'the next prediction follows it' },
  'spec.clock': { effect: 'inPlace', why: 'the next prediction follows it' },
  'spec.priority': { effect: 'policy', why: 'the queue follows it' },
  'spec.retrain': { effect: 'policy', why: 'the next cause of a training is weighed by it' },
  'spec.gates': { effect: 'policy', why: 'the next version is judged by it' },
  'spec.rollout': { effect: 'policy', why: 'the next roll-out follows it' },
  'spec.monitor': { effect: 'policy', why: 'the next window is judged by it' },
}

/** What a change of this field of a model brings about. */
export function modelEffect(path: readonly string[]): Verdict {
  for (let length = path.length; length > 0; length--) {
    const verdict = byPrefix[path.slice(0, length).join('.')]
    if (verdict) return verdict
  }
  return { effect: 'refused', why: 'cannot change' }
}
