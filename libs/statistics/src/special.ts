/** ln Γ(x) for x > 0: Stirling's series above 10, shifted there by the recurrence. Relative error about 1e-15. */
export const lnGamma = (x: number): number => {
  let shift = 0
  let z = x
  while (z < 10) {
    shift -= Math.log(z)
    z += 1
  }
  const r = 1 / (z * z)
  const series = (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r * (1 / 1188 - r * (691 / 360360)))))) / z
  return shift + (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series
}

const gammaSeries = (a: number, x: number): number => {
  let term = 1 / a
  let sum = term
  for (let n = 1; n < 10_000; n++) {
    term *= x / (a + n)
    sum += term
    if (Math.abs(term) < Math.abs(sum) * 1e-17) break
  }
  return sum * Math.exp(-x + a * Math.log(x) - lnGamma(a))
}

/** Lentz's evaluation of the continued fraction of Q(a, x), for x > a + 1. */
const gammaFraction = (a: number, x: number): number => {
  const tiny = 1e-300
  let b = x + 1 - a
  let c = 1 / tiny
  let d = 1 / b
  let h = d
  for (let i = 1; i < 10_000; i++) {
    const an = -i * (i - a)
    b += 2
    d = an * d + b
    c = b + an / c
    d = 1 / (Math.abs(d) < tiny ? tiny : d)
    c = Math.abs(c) < tiny ? tiny : c
    const delta = d * c
    h *= delta
    if (Math.abs(delta - 1) < 1e-16) break
  }
  return h * Math.exp(-x + a * Math.log(x) - lnGamma(a))
}

/** The regularised upper incomplete gamma function Q(a, x). */
export const gammaQ = (a: number, x: number): number => (x <= 0 ? 1 : x < a + 1 ? 1 - gammaSeries(a, x) : gammaFraction(a, x))

/** P(X ≥ x) of the chi-square distribution with `df` degrees of freedom. */
export const chiSquareTail = (x: number, df: number): number => gammaQ(df / 2, x / 2)

/** P(Z ≥ z) of the standard normal distribution. */
export const normalTail = (z: number): number => (z < 0 ? 1 - normalTail(-z) : 0.5 * gammaQ(0.5, (z * z) / 2))

/** The z with P(Z ≤ z) = p, for 0 < p < 1: bisection on the tail, to the last bits. */
export const normalQuantile = (p: number): number => {
  if (!(p > 0 && p < 1)) return p === 0 ? -Infinity : p === 1 ? Infinity : NaN
  if (p > 0.5) return -normalQuantile(1 - p)
  let low = 0
  let high = 40
  for (let i = 0; i < 200 && high - low > 1e-16 * high; i++) {
    const middle = (low + high) / 2
    if (normalTail(middle) > p) low = middle
    else high = middle
  }
  return -(low + high) / 2 || 0
}
