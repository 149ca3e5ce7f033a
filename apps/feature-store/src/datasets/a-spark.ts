import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pythonWith } from '@cascata/testing'

const script = fileURLToPath(new URL('../../../../infra/spark/build_dataset.py', import.meta.url))

/** Of little data it is the compilers that take the time. */
const settings = [
  'ui.enabled=false',
  'sql.shuffle.partitions=1',
  'sql.adaptive.enabled=false',
  'sql.codegen.wholeStage=false',
  'sql.codegen.factoryMode=NO_CODEGEN',
  'driver.defaultJavaOptions=-XX:+UseSerialGC',
  'driver.extraJavaOptions=-XX:TieredStopAtLevel=1',
]

/** Command of a Spark on this machine, from PyPI, as FEATURE_STORE_SPARK has it. */
export async function sparkForTest(): Promise<string> {
  const python = await pythonWith('spark', ['pyspark==4.1.1'])
  const confs = settings.map((each) => `--conf spark.${each}`).join(' ')
  return `env PYSPARK_PYTHON=${python} ${dirname(python)}/spark-submit --master local[1] --driver-memory 1g ${confs} ${script}`
}
