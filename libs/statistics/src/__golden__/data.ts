/** n numbers in [0, 1): x' = (1664525 x + 1013904223) mod 2^32, as in generate.py. */
export const sequence = (seed: number, n: number): Float64Array => {
  let x = seed
  return Float64Array.from({ length: n }, () => (x = (Math.imul(1664525, x) + 1013904223) >>> 0) / 2 ** 32)
}

export const numeric = (seed: number, n: number, shift = 0, scale = 1): Float64Array => {
  const squared = sequence(seed + 1, n)
  return sequence(seed, n).map((value, i) => shift + scale * (value + squared[i]! ** 2))
}

export const coarse = (seed: number, n: number, k: number, shift = 0): Float64Array =>
  sequence(seed, n).map((value) => Math.floor((value + shift) * k))
