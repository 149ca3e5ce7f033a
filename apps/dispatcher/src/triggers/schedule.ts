import { Cron } from 'croner'

/** The next time of a timetable (five fields, UTC) after `now`, in ms; null when there is none. */
export const nextRunOf = (expression: string, now: number): number | null =>
  new Cron(expression, { paused: true, timezone: 'UTC' }).nextRun(new Date(now))?.getTime() ?? null
