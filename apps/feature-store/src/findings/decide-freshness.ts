/** Whether a view lags more than its objective; null: it has none, or has seen nothing yet. Times in Unix ms. */
export const decideFreshness = (
  { freshness, watermark }: { freshness: number | null; watermark: number | null },
  now: number,
): { late: boolean; lag: number } | null => {
  if (freshness === null || watermark === null) return null
  const lag = now - watermark
  return { late: lag > freshness, lag }
}
