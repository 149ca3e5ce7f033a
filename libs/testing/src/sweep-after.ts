import { setTimeout as delay } from 'node:timers/promises'
import { isAlive, refOf } from '@cascata/infra'
import { sweep } from './test-home.ts'

const [pid, home] = process.argv.slice(2)
const parent = refOf(Number(pid))
while (parent && isAlive(parent)) await delay(500)
await sweep(home!)
