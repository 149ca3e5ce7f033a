/** `count` of the numbers 0…n−1 without repetition, ascending (selection sampling, Knuth 3.4.2 S). */
export function sample(n: number, count: number, random: () => number): Int32Array {
  const chosen = new Int32Array(count)
  let found = 0
  for (let index = 0; index < n && found < count; index++) if (random() * (n - index) < count - found) chosen[found++] = index
  return chosen
}
