import { kolmogorovTail } from './kolmogorov.ts'

/** A statistic with the probability of one at least as large when nothing has changed. */
export interface TestResult {
  readonly statistic: number
  readonly pValue: number
}

const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b))

/** sup |F − G| of two samples; both sorted. */
const largestGap = (x: Float64Array, y: Float64Array): number => {
  let i = 0
  let j = 0
  let gap = 0
  while (i < x.length && j < y.length) {
    const here = Math.min(x[i]!, y[j]!)
    while (i < x.length && x[i]! === here) i++
    while (j < y.length && y[j]! === here) j++
    gap = Math.max(gap, Math.abs(i / x.length - j / y.length))
  }
  return gap
}

/** The share of lattice paths (0,0) → (n,n) that leave |x − y| < h, by Horner's scheme on the reflected terms. */
const outsideSquare = (n: number, h: number): number => {
  let share = 0
  for (let k = Math.floor(n / h); k >= 0; k--) {
    let term = 1
    for (let j = 0; j < h; j++) term = ((n - k * h - j) * term) / (n + k * h + j + 1)
    share = term * (1 - share)
  }
  return 2 * share
}

/** The share of lattice paths (0,0) → (m,n) that leave |x/m − y/n| < h/lcm: column by column over the sliding window inside (Hodges 1957). */
const outsideRectangle = (n1: number, n2: number, g: number, h: number): number => {
  const [m, n] = n1 >= n2 ? [n1, n2] : [n2, n1]
  const [mg, ng] = [m / g, n / g]
  let low = 0
  let high = Math.min(Math.ceil(h / mg), n + 1)
  let length = high - low
  const column = new Float64Array(Math.min(2 * high + 2, n + 1)).fill(1)
  column.fill(0, low, high)
  for (let i = 1; i <= m; i++) {
    const [lastLow, lastLength] = [low, length]
    low = Math.min(Math.max(Math.floor((ng * i - h) / mg) + 1, 0), n)
    high = Math.min(Math.ceil((ng * i + h) / mg), n + 1)
    if (high <= low) return 1
    length = high - low
    let value = low === 0 ? 0 : 1
    for (let at = 0; at < length; at++) {
      const j = at + low
      value = (column[j - lastLow]! * i + value * j) / (i + j)
      column[at] = value
    }
    if (lastLength > length) column.fill(1, length, lastLength)
  }
  return column[length - 1]!
}

/**
 * Two-sample Kolmogorov–Smirnov test, two-sided, with scipy's p-value: exact path counting when both samples have at most 10,000 values,
 * otherwise `kstwo.sf(D, round(n1·n2/(n1+n2)))`. Values are finite; neither sample is empty.
 */
export const kolmogorovSmirnov = (reference: Float64Array, current: Float64Array): TestResult => {
  const [n1, n2] = [reference.length, current.length]
  const statistic = largestGap(reference.toSorted(), current.toSorted())
  if (Math.max(n1, n2) > 10_000) return { statistic, pValue: kolmogorovTail(Math.round((n1 * n2) / (n1 + n2)), statistic) }
  const g = greatestDivisor(n1, n2)
  const h = Math.round(statistic * (n1 / g) * n2)
  const pValue = h === 0 ? 1 : n1 === n2 ? outsideSquare(n1, h) : outsideRectangle(n1, n2, g, h)
  return { statistic, pValue: Math.min(1, Math.max(0, pValue)) }
}
