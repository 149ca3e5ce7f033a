import { runApp } from '@cascata/service'
import { config } from './config.ts'
import { start } from './start.ts'

await runApp({ config, start }, process)
