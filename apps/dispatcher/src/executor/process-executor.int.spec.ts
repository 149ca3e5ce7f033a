import { systemClock } from '@cascata/service'
import { eventually } from '@cascata/testing'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { type Exit, type Job, type JobLimits } from './executor.ts'
import { writeJson } from './job-folder.ts'
import { isAlive, identify, type ProcessIdentity } from './processes.ts'
import { processExecutor } from './process-executor.ts'

const home = mkdtempSync(join(tmpdir(), 'executor-'))
const executor = processExecutor({ clock: systemClock })
afterAll(() => rmSync(home, { recursive: true, force: true }))

let count = 0
const script = (code: string, limits: Partial<JobLimits> = {}): Job => {
  const id = `job-${++count}`
  const folder = join(home, id)
  return {
    id,
    folder,
    command: [process.execPath, '-e', code],
    cwd: home,
    env: { CASCATA_JOB: join(folder, 'job.json'), PATH: process.env.PATH as string },
    limits: { timeoutMs: 20_000, memoryBytes: 512 * 2 ** 20, outputBytes: 64 * 2 ** 20, printedBytes: 8 * 2 ** 20, ...limits },
  }
}

const ended = (job: Job): Promise<Exit> =>
  eventually(async () => {
    const status = await executor.status(job)
    if (status.is !== 'ended') throw new Error(`The job is ${status.is}.`)
    return status.exit
  })
const run = async (job: Job): Promise<Exit> => {
  await executor.submit(job)
  return ended(job)
}
const identityIn = (job: Job, name: string): ProcessIdentity =>
  JSON.parse(readFileSync(join(job.folder, name), 'utf8')) as ProcessIdentity
const file = (job: Job, name: string) => eventually(() => readFileSync(join(job.folder, name), 'utf8'))

describe('a job', () => {
  it('runs once however often it is submitted, with its environment and nothing else', async () => {
    const job = script(
      `console.log(JSON.stringify(Object.keys(process.env).sort())); require('fs').appendFileSync('${home}/once', 'x')`,
    )
    await Promise.all([executor.submit(job), executor.submit(job)])
    expect(await ended(job)).toMatchObject({ reason: 'exit', code: 0, leftBehind: 0 })
    await executor.submit(job)
    expect(readFileSync(join(home, 'once'), 'utf8')).toBe('x')
    expect(await executor.logs(job)).toBe('["CASCATA_JOB","PATH"]\n')
  })
  it('that was written down and not started by a dispatcher that died is started by the next', async () => {
    const job = script(`console.log('started after all')`)
    writeJson(job.folder, 'job-spec.json', job)
    expect(await run(job)).toMatchObject({ reason: 'exit', code: 0 })
  })
  it('tells its progress and why it failed', async () => {
    const job = script(
      `console.log('{"progress":0.5,"metrics":{"loss":0.4,"name":"x"}}'); console.log('{"error":{"code":"TRAINER_BAD_LABELS","message":"no labels"}}'); process.exit(3)`,
    )
    expect(await run(job)).toMatchObject({ reason: 'exit', code: 3, error: { code: 'TRAINER_BAD_LABELS', message: 'no labels' } })
    expect(JSON.parse(await file(job, 'progress.json'))).toEqual({ share: 0.5, metrics: { loss: 0.4 } })
  })
  it('that can not be started says so', async () => {
    const job = { ...script(''), command: ['/no/such/program'] }
    const exit = await run(job)
    expect(exit.reason === 'not started' || exit.code === 127).toBe(true)
  })
  it('that crashes leaves its signal', async () => {
    expect(await run(script(`process.kill(process.pid, 'SIGSEGV')`))).toMatchObject({
      reason: 'exit',
      code: null,
      signal: 'SIGSEGV',
    })
  })
})

describe('limits', () => {
  it('end a job that hangs, even one that ignores the signal', async () => {
    const job = script(`process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('here')`, { timeoutMs: 600 })
    expect(await run(job)).toMatchObject({ reason: 'deadline' })
    expect(isAlive(identityIn(job, 'child.json'))).toBe(false)
  })
  it('end a job that takes too much memory', async () => {
    const job = script(`const kept = []; setInterval(() => kept.push(Buffer.alloc(20_000_000, 1)), 10)`, {
      memoryBytes: 200 * 2 ** 20,
    })
    expect(await run(job)).toMatchObject({ reason: 'memory' })
  })
  it('end a job that writes too much, in one file or in many', async () => {
    const write = (name: string) => `require('fs').writeFileSync('output/${name}', Buffer.alloc(40_000_000))`
    const one = script(
      `process.chdir(process.env.CASCATA_JOB.replace('/job.json', '')); require('fs').writeFileSync('output/model.onnx', Buffer.alloc(80_000_000))`,
    )
    expect(await run(one)).toMatchObject({ reason: 'output' })
    expect(statSync(join(one.folder, 'output/model.onnx')).size).toBeLessThanOrEqual(64 * 2 ** 20)
    const many = script(
      `process.chdir(process.env.CASCATA_JOB.replace('/job.json', '')); ${write('a')}; ${write('b')}; setInterval(() => {}, 1000)`,
    )
    expect(await run(many)).toMatchObject({ reason: 'output' })
  })
  it('end a job that prints without end, and keep the beginning and the end of its log', async () => {
    const job = script(
      `console.log('first'); const more = 'x'.repeat(65_000); const print = () => process.stdout.write(more, print); print()`,
    )
    expect(await run(job)).toMatchObject({ reason: 'flood' })
    const log = await executor.logs(job)
    expect(log.startsWith('first\n')).toBe(true)
    expect(log).toMatch(/… \d+ bytes were left out …/)
    expect(log.length).toBeLessThan(1_200_000)
  })
})

describe('children', () => {
  it('that a job leaves behind are ended, also those that left its group', async () => {
    const job = script(
      `const { spawn } = require('child_process'); for (const detached of [false, true]) { const c = spawn('sleep', ['300'], { detached, stdio: 'ignore' }); console.log(c.pid); c.unref() }`,
    )
    expect(await run(job)).toMatchObject({ reason: 'exit', code: 0, leftBehind: 2 })
    const pids = (await executor.logs(job)).trim().split('\n').map(Number)
    await eventually(() => expect(pids.map((pid) => isAlive({ pid, start: null }))).toEqual([false, false]))
  })
  it('are ended with a job that is cancelled', async () => {
    const job = script(`console.log(require('child_process').spawn('sleep', ['300']).pid); setInterval(() => {}, 1000)`)
    await executor.submit(job)
    await eventually(async () => expect(await executor.logs(job)).toMatch(/\d+\n/))
    await executor.cancel(job)
    expect(await ended(job)).toMatchObject({ reason: 'cancelled' })
    const sleeping = Number(await executor.logs(job))
    await eventually(() => expect(isAlive({ pid: sleeping, start: null })).toBe(false))
  })
})

describe('a supervisor', () => {
  it('that is killed loses its job: what is left of it is ended', async () => {
    const job = script(`setInterval(() => {}, 1000); console.log('started')`)
    await executor.submit(job)
    await file(job, 'child.json')
    process.kill(identityIn(job, 'supervisor.json').pid, 'SIGKILL')
    expect(await ended(job)).toMatchObject({ reason: 'lost' })
    await eventually(() => expect(isAlive(identityIn(job, 'child.json'))).toBe(false))
  })
  it('is not taken for another process with its number', () => {
    expect(isAlive(identify(process.pid))).toBe(true)
    expect(isAlive({ pid: process.pid, start: '1' })).toBe(false)
  })
  it('keeps a job and its end for whoever comes later', async () => {
    const job = script(`setTimeout(() => console.log('done'), 300)`)
    await executor.submit(job)
    const later = processExecutor({ clock: systemClock })
    await eventually(async () => expect(await later.status(job)).toMatchObject({ is: 'ended', exit: { code: 0 } }))
    expect(await later.logs(job)).toBe('done\n')
    expect(existsSync(join(job.folder, 'exit.json'))).toBe(true)
  })
})
