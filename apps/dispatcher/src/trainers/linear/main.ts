import { runTrainer } from '../run-trainer.ts'
import { linear } from './fit.ts'

process.exitCode = await runTrainer(linear, process.env.CASCATA_JOB)
