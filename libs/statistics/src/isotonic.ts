/** A non-decreasing step-and-slope function: linear between the points, flat outside of them. */
export interface Isotonic {
  readonly x: readonly number[]
  readonly y: readonly number[]
}

interface Block {
  readonly from: number
  readonly to: number
  readonly sum: number
  readonly weight: number
}

/** Distinct scores ascending, with the mean label and number of rows of each. */
const ties = (scores: ArrayLike<number>, labels: ArrayLike<number>): Block[] => {
  const order = Uint32Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => scores[a]! - scores[b]!)
  const blocks: Block[] = []
  for (const row of order) {
    const [x, last] = [scores[row]!, blocks[blocks.length - 1]]
    if (last?.from === x) blocks[blocks.length - 1] = { ...last, sum: last.sum + labels[row]!, weight: last.weight + 1 }
    else blocks.push({ from: x, to: x, sum: labels[row]!, weight: 1 })
  }
  return blocks
}

/**
 * Isotonic regression of 0/1 labels on scores by pooling adjacent violators; the same function as scikit-learn's
 * `IsotonicRegression(out_of_bounds="clip")`.
 */
export const fitIsotonic = (scores: ArrayLike<number>, labels: ArrayLike<number>): Isotonic => {
  const pooled: Block[] = []
  for (const block of ties(scores, labels)) {
    let current = block
    for (let last = pooled.at(-1); last && last.sum / last.weight >= current.sum / current.weight; last = pooled.at(-1)) {
      current = { from: last.from, to: current.to, sum: last.sum + current.sum, weight: last.weight + current.weight }
      pooled.pop()
    }
    pooled.push(current)
  }
  const points = pooled.flatMap(({ from, to, sum, weight }) =>
    from === to
      ? [[from, sum / weight]]
      : [
          [from, sum / weight],
          [to, sum / weight],
        ],
  )
  return { x: points.map(([x]) => x!), y: points.map(([, y]) => y!) }
}

/** The calibrated probability of a score. */
export const applyIsotonic = ({ x, y }: Isotonic, score: number): number => {
  const last = x.length - 1
  if (score <= x[0]!) return y[0]!
  if (score >= x[last]!) return y[last]!
  let low = 0
  let high = last
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (score >= x[middle]!) low = middle
    else high = middle
  }
  return y[low]! + ((y[high]! - y[low]!) * (score - x[low]!)) / (x[high]! - x[low]!)
}
