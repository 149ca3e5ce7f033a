import { expect, it } from 'vitest'
import { runInContext } from './context.ts'
import { createLogger } from './logger.ts'

const logged = (write: (log: ReturnType<typeof createLogger>) => void): Record<string, any> => {
  const lines: string[] = []
  write(createLogger('trial', 'info', { write: (line) => void lines.push(line) }))
  expect(lines).toHaveLength(1)
  return JSON.parse(lines[0]!) as Record<string, any>
}

it('writes JSON lines with level, time, app and what belongs together', () => {
  expect(runInContext({ correlationId: 'c-7' }, () => logged((log) => log.info({ rows: 3 }, 'ingested')))).toMatchObject({
    level: 'info',
    app: 'trial',
    correlationId: 'c-7',
    rows: 3,
    msg: 'ingested',
  })
  expect(logged((log) => log.info('x'))['time']).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/)
})

it('takes secrets out: by name at any depth, by form in texts and errors', () => {
  const cause = new Error('postgres://u:hunter2@db/x')
  const line = logged((log) =>
    log.info(
      {
        headers: { Authorization: 'Bearer abc.def' },
        a: { b: { apiKey: 'hunter2', dbPassword: 'hunter2' } },
        err: new Error('bearer hunter2', { cause }),
      },
      'to redis://:hunter2@r:1 with csc_hunter2hunter2hunter2hunter2',
    ),
  )
  expect(JSON.stringify(line)).not.toContain('hunter2')
  expect(JSON.stringify(line)).not.toContain('abc.def')
  expect(line).toMatchObject({ a: { b: { apiKey: '[redacted]' } }, msg: 'to redis://[redacted]@r:1 with [redacted]' })
})

it('survives what people log: cycles, big buffers, deep objects, bigint', () => {
  const cycle: Record<string, unknown> = { name: 'cycle', bytes: Buffer.alloc(10_000), big: 10n }
  cycle['self'] = cycle
  const line = logged((log) => log.info({ cycle }, 'x'))
  expect(line['cycle']).toMatchObject({ name: 'cycle', bytes: '[10000 bytes]', big: '10' })
})
