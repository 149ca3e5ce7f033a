import { lnGamma } from './special.ts'

/**
 * One-sided Smirnov tail P(D⁺ₙ ≥ d) = d·Σ_j C(n,j)·(d + j/n)^(j−1)·(1 − d − j/n)^(n−j), j ≤ n(1−d).
 * Every term is positive, so that small tails keep their digits.
 */
const smirnovTail = (n: number, d: number): number => {
  const lnN = lnGamma(n + 1)
  let sum = (1 - d) ** n / d
  for (let j = 1; j <= n * (1 - d); j++) {
    const rest = 1 - d - j / n
    if (rest <= 0) {
      if (j === n) sum += (d + 1) ** (n - 1)
      continue
    }
    const ln = lnN - lnGamma(j + 1) - lnGamma(n - j + 1) + (j - 1) * Math.log(d + j / n) + (n - j) * Math.log1p(-(d + j / n))
    if (ln > -745) sum += Math.exp(ln)
  }
  return d * sum
}

type Matrix = Float64Array

const multiply = (a: Matrix, b: Matrix, m: number): Matrix => {
  const product = new Float64Array(m * m)
  for (let i = 0; i < m; i++)
    for (let k = 0; k < m; k++) {
      const factor = a[i * m + k]!
      if (factor !== 0) for (let j = 0; j < m; j++) product[i * m + j]! += factor * b[k * m + j]!
    }
  return product
}

/** Durbin's matrix in the form of Marsaglia, Tsang and Wang (2003): d = (k − h)/n, size 2k − 1. */
const durbinMatrix = (k: number, h: number): Matrix => {
  const m = 2 * k - 1
  const matrix = new Float64Array(m * m)
  const factorial = [1]
  for (let i = 1; i <= m; i++) factorial.push(factorial[i - 1]! * i)
  for (let i = 0; i < m; i++) for (let j = 0; j <= Math.min(i + 1, m - 1); j++) matrix[i * m + j] = 1 / factorial[i - j + 1]!
  for (let i = 0; i < m; i++) {
    const edge = (1 - h ** (i + 1)) / factorial[i + 1]!
    matrix[i * m] = edge
    matrix[(m - 1) * m + (m - 1 - i)] = edge
  }
  matrix[(m - 1) * m] = (1 - 2 * h ** m + Math.max(2 * h - 1, 0) ** m) / factorial[m]!
  return matrix
}

/** P(Dₙ ≤ d), exact: the k-th entry of n!/nⁿ·Hⁿ, with powers of two kept apart from the mantissa. */
const durbin = (n: number, d: number): number => {
  const k = Math.ceil(n * d)
  const m = 2 * k - 1
  const middle = (k - 1) * m + (k - 1)
  let square = durbinMatrix(k, k - n * d)
  let squareExponent = 0
  let power: Matrix = new Float64Array(m * m)
  for (let i = 0; i < m; i++) power[i * m + i] = 1
  let exponent = 0
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) {
      power = multiply(power, square, m)
      exponent += squareExponent
    }
    square = multiply(square, square, m)
    squareExponent *= 2
    if (square[middle]! > 2 ** 128) {
      square = square.map((value) => value / 2 ** 128)
      squareExponent += 128
    }
  }
  let p = power[middle]!
  for (let i = 1; i <= n; i++) {
    p = (p * i) / n
    if (p < 2 ** -128) {
      p *= 2 ** 128
      exponent -= 128
    }
  }
  return p * 2 ** Math.max(exponent, -1074)
}

/** P(Dₙ ≤ d) after Pelz and Good (1976): K₀ + K₁/√n + K₂/n + K₃/n^1.5, each a theta series in z = d√n. */
const pelzGood = (n: number, d: number): number => {
  const z = Math.sqrt(n) * d
  const [z2, z4, z6, z8] = [z ** 2, z ** 4, z ** 6, z ** 8]
  const p2 = Math.PI ** 2
  const p4 = p2 * p2
  const p6 = p4 * p2
  const terms = Math.ceil((16 * z) / Math.PI)
  const odd = [0, 0, 0, 0]
  const even = [0, 0]
  for (let k = 1; k <= terms; k++) {
    const m2 = (2 * k - 1) ** 2
    const q = Math.exp((-p2 * m2) / (8 * z2))
    odd[0]! += q
    odd[1]! += q * (-z2 + (p2 / 4) * m2)
    odd[2]! += q * (6 * z6 + 2 * z4 + ((2 * z4 - 5 * z2) * p2 * m2) / 4 + (p4 * (1 - 2 * z2) * m2 * m2) / 16)
    const cubic = (p2 * (135 * z4 - 96 * z6) * m2) / 4 + (p4 * (212 * z4 - 60 * z2) * m2 * m2) / 16
    odd[3]! += q * (-30 * z6 - 90 * z8 + cubic + (p6 * (5 - 30 * z2) * m2 ** 3) / 64)
    const whole = Math.exp((-p2 * k * k) / (2 * z2)) * k * k
    even[0]! += whole
    even[1]! += whole * (3 * z2 - p2 * k * k)
  }
  const root = Math.sqrt(2 * Math.PI)
  const k2 = (odd[2]! * root) / (72 * z ** 7) - (even[0]! * p2 * root) / (36 * z ** 3)
  const k3 = (odd[3]! * root) / (6480 * z ** 10) + (even[1]! * p2 * root) / (216 * z6)
  return (odd[0]! * root) / z + (odd[1]! * root) / (6 * z4 * Math.sqrt(n)) + k2 / n + k3 / n ** 1.5
}

const clip = (p: number): number => Math.min(1, Math.max(0, p))

/**
 * P(Dₙ ≥ d) of the two-sided one-sample Kolmogorov–Smirnov statistic: scipy's `kstwo.sf(d, n)`.
 *
 * The choice of method by n and n·d² is that of Simard and L'Ecuyer (2011), as in scipy.
 */
export const kolmogorovTail = (n: number, d: number): number => {
  const spread = n * d * d
  if (d >= 1) return 0
  if (n * d <= 0.5) return 1
  if (n > 140 && spread >= 370) return 0
  if (d >= 0.5 || n * d >= n - 1 || spread > (n > 140 ? 2.2 : 4)) return clip(2 * smirnovTail(n, d))
  if (n <= 140 || (n <= 100_000 && n * d ** 1.5 <= 1.4)) return clip(1 - durbin(n, d))
  return clip(1 - pelzGood(n, d))
}
