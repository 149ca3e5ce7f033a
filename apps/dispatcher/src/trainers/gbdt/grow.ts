import { missingBin } from './encode.ts'
import { type GbdtParams } from './params.ts'

/** A binary tree in arrays; node 0 is the root. A leaf has `feature` −1 and its (float32) value. */
export interface Tree {
  feature: number[]
  /** Rows with bin ≤ this go left. */
  bin: number[]
  /** Whether a missing value goes left. */
  missingLeft: boolean[]
  left: number[]
  right: number[]
  value: number[]
  gain: number[]
}

/** What stays the same from tree to tree. */
export interface GrowInput {
  bins: readonly Uint8Array[]
  /** Number of cuts a feature. */
  cuts: readonly number[]
  gradient: Float64Array
  hessian: Float64Array
  params: GbdtParams
  workspace: Workspace
}

export interface Workspace {
  histograms: Float64Array[]
  gradients: Float64Array
  hessians: Float64Array
  spare: Int32Array
  /** By bin: whether it goes left. */
  side: Uint8Array
}

export const workspaceFor = (rows: number): Workspace => ({
  histograms: [],
  gradients: new Float64Array(rows),
  hessians: new Float64Array(rows),
  spare: new Int32Array(rows + 1),
  side: new Uint8Array(256),
})

interface Leaf {
  node: number
  from: number
  to: number
  histogram: Float64Array
  split: Split | undefined
}

interface Split {
  feature: number
  slot: number
  bin: number
  missingLeft: boolean
  gain: number
}

const stride = 256 * 3

/**
 * Grows one tree leaf by leaf, the best gain first (as LightGBM does). The smaller child's histogram is counted, the other's subtracted.
 *
 * @param rows Row numbers the tree is grown from; reordered so that each leaf's rows lie together.
 * @param features Features that it may use, ascending.
 * @returns The tree, and the leaf of each range of `rows`; a single leaf when nothing can be split.
 */
export function growTree(
  input: GrowInput,
  rows: Int32Array,
  features: Int32Array,
): { tree: Tree; leaves: { from: number; to: number; node: number }[] } {
  const tree: Tree = { feature: [], bin: [], missingLeft: [], left: [], right: [], value: [], gain: [] }
  const root = newLeaf(input, tree, features, 0, rows.length)
  count(input, root, rows, features)
  root.split = bestSplit(input, root, features)
  const leaves = [root]
  while (leaves.length < input.params.maxLeaves) {
    const best = leaves.reduce((top, leaf) => ((leaf.split?.gain ?? 0) > (top.split?.gain ?? 0) ? leaf : top))
    if (!best.split) break
    leaves.splice(leaves.indexOf(best), 1, ...splitLeaf(input, tree, best, best.split, rows, features))
  }
  for (const leaf of leaves) {
    tree.value[leaf.node] = leafValue(input, leaf)
    input.workspace.histograms.push(leaf.histogram)
  }
  return { tree, leaves: leaves.map(({ from, to, node }) => ({ from, to, node })) }
}

function newLeaf({ workspace }: GrowInput, tree: Tree, features: Int32Array, from: number, to: number): Leaf {
  const node = tree.feature.length
  tree.feature.push(-1)
  tree.bin.push(0)
  tree.missingLeft.push(false)
  tree.left.push(-1)
  tree.right.push(-1)
  tree.value.push(0)
  tree.gain.push(0)
  const pooled = workspace.histograms.pop()
  return { node, from, to, histogram: pooled ?? new Float64Array(features.length * stride), split: undefined }
}

function count(
  { bins, gradient, hessian, workspace }: GrowInput,
  { from, to, histogram }: Leaf,
  rows: Int32Array,
  features: Int32Array,
): void {
  const { gradients, hessians } = workspace
  histogram.fill(0)
  for (let at = from; at < to; at++) {
    const row = rows[at] as number
    gradients[at] = gradient[row] as number
    hessians[at] = hessian[row] as number
  }
  for (let slot = 0; slot < features.length; slot++) {
    const column = bins[features[slot] as number] as Uint8Array
    const base = slot * stride
    for (let at = from; at < to; at++) {
      const cell = base + (column[rows[at] as number] as number) * 3
      histogram[cell]! += gradients[at]!
      histogram[cell + 1]! += hessians[at]!
      histogram[cell + 2]! += 1
    }
  }
}

function bestSplit(input: GrowInput, { histogram, from, to }: Leaf, features: Int32Array): Split | undefined {
  const { params, cuts } = input
  if (to - from < 2 * params.minRowsInLeaf) return undefined
  let best: Split | undefined
  for (let slot = 0; slot < features.length; slot++) {
    const feature = features[slot] as number
    const found = bestOfFeature(histogram, slot, cuts[feature] as number, params)
    if (found && found.gain > (best?.gain ?? params.minGain)) best = { ...found, feature, slot }
  }
  return best
}

type Found = { bin: number; missingLeft: boolean; gain: number } | undefined

function bestOfFeature(histogram: Float64Array, slot: number, cuts: number, { l2, minRowsInLeaf }: GbdtParams): Found {
  const base = slot * stride
  const missing = base + missingBin * 3
  const missingG = histogram[missing] as number
  const missingH = histogram[missing + 1] as number
  const missingN = histogram[missing + 2] as number
  let sumG = missingG
  let sumH = missingH
  let sumN = missingN
  for (let cell = base; cell <= base + cuts * 3; cell += 3) {
    sumG += histogram[cell] as number
    sumH += histogram[cell + 1] as number
    sumN += histogram[cell + 2] as number
  }
  const whole = (sumG * sumG) / (sumH + l2)
  let best: Found
  const weigh = (g: number, h: number, n: number, bin: number, missingLeft: boolean): void => {
    if (n < minRowsInLeaf || sumN - n < minRowsInLeaf) return
    const gain = (g * g) / (h + l2) + ((sumG - g) * (sumG - g)) / (sumH - h + l2) - whole
    if (gain > (best?.gain ?? 0)) best = { bin, missingLeft, gain }
  }
  let g = 0
  let h = 0
  let n = 0
  const last = missingN > 0 ? cuts : cuts - 1
  for (let bin = 0; bin <= last; bin++) {
    g += histogram[base + bin * 3] as number
    h += histogram[base + bin * 3 + 1] as number
    n += histogram[base + bin * 3 + 2] as number
    weigh(g, h, n, bin, missingN === 0 && n >= sumN - n)
    if (missingN > 0 && bin < cuts) weigh(g + missingG, h + missingH, n + missingN, bin, true)
  }
  return best
}

function splitLeaf(
  input: GrowInput,
  tree: Tree,
  parent: Leaf,
  split: Split,
  rows: Int32Array,
  features: Int32Array,
): [Leaf, Leaf] {
  const middle = partition(input, parent, split, rows)
  const left = newLeaf(input, tree, features, parent.from, middle)
  const right = newLeaf(input, tree, features, middle, parent.to)
  tree.feature[parent.node] = split.feature
  tree.bin[parent.node] = split.bin
  tree.missingLeft[parent.node] = split.missingLeft
  tree.left[parent.node] = left.node
  tree.right[parent.node] = right.node
  tree.gain[parent.node] = split.gain
  const [small, large] = left.to - left.from <= right.to - right.from ? [left, right] : [right, left]
  count(input, small, rows, features)
  for (let cell = 0; cell < parent.histogram.length; cell++)
    large.histogram[cell] = parent.histogram[cell]! - small.histogram[cell]!
  input.workspace.histograms.push(parent.histogram)
  left.split = bestSplit(input, left, features)
  right.split = bestSplit(input, right, features)
  return [left, right]
}

/** Stable: rows that go left first, in their order; without a branch on the data, which no processor guesses. Returns where the right ones begin. */
function partition(
  { bins, workspace }: GrowInput,
  { from, to }: Leaf,
  { feature, bin, missingLeft }: Split,
  rows: Int32Array,
): number {
  const column = bins[feature] as Uint8Array
  const { spare, side } = workspace
  for (let value = 0; value < missingBin; value++) side[value] = value <= bin ? 1 : 0
  side[missingBin] = missingLeft ? 1 : 0
  let left = from
  let right = 0
  for (let at = from; at < to; at++) {
    const row = rows[at]!
    const goesLeft = side[column[row]!]!
    rows[left] = row
    spare[right] = row
    left += goesLeft
    right += 1 - goesLeft
  }
  rows.set(spare.subarray(0, right), left)
  return left
}

/** Newton's step of the leaf's rows, shrunk by the learning rate, as float32. */
function leafValue({ params }: GrowInput, { histogram }: Leaf): number {
  let g = 0
  let h = 0
  for (let cell = 0; cell < stride; cell += 3) {
    g += histogram[cell] as number
    h += histogram[cell + 1] as number
  }
  return Math.fround((-params.learningRate * g) / (h + params.l2 + 1e-12))
}

/** Adds the tree's value to `scores[row * step + offset]` of every row. */
export function addTree(
  { feature, bin, missingLeft, left, right, value }: Tree,
  bins: readonly Uint8Array[],
  scores: Float64Array,
  step: number,
  offset: number,
): void {
  const rows = scores.length / step
  for (let row = 0; row < rows; row++) {
    let node = 0
    while (feature[node]! >= 0) {
      const found = bins[feature[node]!]![row]!
      node = (found === missingBin ? missingLeft[node] : found <= bin[node]!) ? left[node]! : right[node]!
    }
    scores[row * step + offset]! += value[node]!
  }
}
