const day = 86_400_000
const minute = 60_000

/**
 * Whether a time lies in one of the fleet's freeze windows, in UTC: `2026-12-20T00:00Z/2027-01-02T00:00Z`, or every day `22:00-06:00`.
 *
 * @throws Error for a window that is neither.
 */
export const inFreezeWindow = (windows: readonly string[], now: number): boolean => windows.some((window) => within(window, now))

function within(window: string, now: number): boolean {
  const daily = /^(\d{2}):(\d{2})-(\d{2}):(\d{2})$/.exec(window)
  if (daily) {
    const [from, to] = [minutes(daily[1], daily[2]), minutes(daily[3], daily[4])]
    const time = Math.floor((now % day) / minute)
    return from <= to ? time >= from && time < to : time >= from || time < to
  }
  const [from, to] = window.split('/').map((text) => Date.parse(text))
  if (from === undefined || to === undefined || Number.isNaN(from) || Number.isNaN(to))
    throw new Error(`${window} is no freeze window.`)
  return now >= from && now < to
}

const minutes = (hours: string | undefined, rest: string | undefined): number => Number(hours) * 60 + Number(rest)
