const distance = (a: string, b: string): number => {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const substituted = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(substituted, previous[j]! + 1, row[j - 1]! + 1))
    }
    previous = row
  }
  return previous[b.length]!
}

/** The candidate that is a few typing errors away (Levenshtein distance at most a third of the word), for "did you mean". */
export const nearest = (word: string, candidates: readonly string[]): string | undefined => {
  const bound = Math.max(2, Math.floor(word.length / 3))
  const scored = candidates.map((candidate) => ({ candidate, score: distance(word.slice(0, 100), candidate) }))
  const best = scored.sort((a, b) => a.score - b.score)[0]
  return best && best.score <= bound ? best.candidate : undefined
}
