import { runTrainer } from '../run-trainer.ts'
import { gbdt } from './boost.ts'

process.exitCode = await runTrainer(gbdt, process.env.CASCATA_JOB)
