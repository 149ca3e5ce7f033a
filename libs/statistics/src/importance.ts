import { type Random } from './random.ts'

export interface Importance {
  readonly feature: string
  /** How much the metric falls when the feature's values are shuffled: mean over the repeats. */
  readonly drop: number
}

/** A random permutation of 0 … n − 1 (Fisher–Yates). */
export const permutation = (n: number, random: Random): Uint32Array => {
  const order = Uint32Array.from({ length: n }, (_, i) => i)
  for (let i = n - 1; i > 0; i--) {
    const j = random.int(i + 1)
    const held = order[i]!
    order[i] = order[j]!
    order[j] = held
  }
  return order
}

/**
 * Permutation importance (Breiman 2001): how much worse the score gets with one feature's values dealt to other rows. Greatest first.
 *
 * @param score the metric, more is better, of the rows with one column taken in another order: `score()` is the unshuffled one
 */
export const permutationImportance = async (
  features: readonly string[],
  rows: number,
  score: (shuffled?: { feature: string; order: Uint32Array }) => number | Promise<number>,
  { random, repeats = 3 }: { random: Random; repeats?: number },
): Promise<Importance[]> => {
  const base = await score()
  const found: Importance[] = []
  for (const feature of features) {
    let sum = 0
    for (let repeat = 0; repeat < repeats; repeat++) sum += base - (await score({ feature, order: permutation(rows, random) }))
    found.push({ feature, drop: sum / repeats })
  }
  return found.sort((a, b) => b.drop - a.drop)
}

/** Importances as weights that sum to 1: drops below zero count as none; all zero gives equal weights. */
export const importanceWeights = (importances: readonly Importance[]): Record<string, number> => {
  const total = importances.reduce((sum, { drop }) => sum + Math.max(0, drop), 0)
  return Object.fromEntries(
    importances.map(({ feature, drop }) => [feature, total > 0 ? Math.max(0, drop) / total : 1 / importances.length]),
  )
}
