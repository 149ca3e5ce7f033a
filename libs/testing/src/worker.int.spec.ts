import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { testHome } from './test-home.ts'
import { uniqueName } from './unique-name.ts'
import { spawnWorker } from './worker.ts'

const program = (text: string) => {
  const file = join(testHome(), `${uniqueName('worker')}.ts`)
  writeFileSync(file, text)
  return file
}

it('collects what a process says, and ends it with -9', async () => {
  const worker = await spawnWorker(
    program(`const said: { ready: boolean } = { ready: true }; console.log(JSON.stringify(said)); setInterval(() => {}, 1000)`),
  )
  await worker.line((line) => line.ready)
  worker.freeze()
  worker.thaw()
  expect(await worker.kill()).toEqual({ code: null, signal: 'SIGKILL' })
})

it('gives the end of a process that died by itself', async () => {
  const worker = await spawnWorker(program(`process.exit(3)`))
  expect(await worker.died()).toEqual({ code: 3, signal: null })
})
