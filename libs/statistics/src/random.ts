/** A stream of pseudo-random numbers that is the same for the same seed, on every machine. */
export interface Random {
  /** A number in [0, 1) with 32 bits of randomness. */
  next(): number
  /** A whole number in [0, below). */
  int(below: number): number
  /** A draw of the standard normal distribution (Box–Muller). */
  normal(): number
}

/** FNV-1a over UTF-16 code units: turns a text into a 32-bit seed. */
const seedOf = (text: string): number => {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/**
 * A seeded generator: sfc32 (Chris Doty-Humphrey, PractRand), period at least 2^32, warmed up for 20 rounds.
 * Not for secrets.
 */
export const seededRandom = (seed: number | string): Random => {
  let a = 0x9e3779b9
  let b = 0x243f6a88
  let c = (typeof seed === 'string' ? seedOf(seed) : seed) >>> 0
  let counter = 1

  const draw = (): number => {
    const result = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + result
    c |= 0
    return result >>> 0
  }
  for (let i = 0; i < 20; i++) draw()

  const next = () => draw() / 4294967296
  return {
    next,
    int: (below) => Math.floor(next() * below),
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  }
}
