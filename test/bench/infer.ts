import { applyResources, registerModel, startApps, untilServes, type Apps } from './apps.ts'
import type { BenchContext, Metrics } from './context.ts'
import { load } from './load.ts'
import { columnTrees, matrixTrees, treeResources } from './models.ts'

export const title = 'Inference by tensors: 100 trees of depth 6 over 20 features, JSON'
export const aims = {
  row_16_connections_per_s: { atLeast: 10_000 },
  row_16_connections_p99_ms: { atMost: 10 },
}

const width = 20
const columns = Array.from({ length: width }, (_, at) => `rows${width}__f${at}`)

const value = (row: number, column: number) => ((row * 37 + column * 11) % 100) / 100
const matrixBody = (rows: number, seed: number) =>
  JSON.stringify({
    id: `u-${seed}`,
    inputs: [
      {
        name: 'x',
        datatype: 'FP32',
        shape: [rows, width],
        data: Array.from({ length: rows * width }, (_, at) => value(seed + Math.floor(at / width), at % width)),
      },
    ],
  })
const columnsBody = (seed: number) =>
  JSON.stringify({
    id: `u-${seed}`,
    inputs: columns.map((name, column) => ({ name, datatype: 'FP32', shape: [1, 1], data: [value(seed, column)] })),
  })
const many = (body: (seed: number) => string) => Array.from({ length: 50 }, (_, seed) => body(seed))

/** The Model is there for `log.sample`: the figures without log are those of the server alone, as its peers are measured. */
async function serve(apps: Apps, model: string, sample: string, bytes: Uint8Array): Promise<string> {
  await applyResources(apps, treeResources({ model, width, sample }))
  const version = await registerModel(apps, model, bytes, columns)
  await apps.publish({ model, champion: version })
  await untilServes(apps, model)
  return `${apps.url('inference')}/v2/models/${model}/infer`
}

export async function run(context: BenchContext): Promise<{ metrics: Metrics }> {
  const apps = await startApps(context, ['registry', 'inference'])
  try {
    const quiet = await serve(apps, 'trees', '0%', matrixTrees(width))
    const logged = await serve(apps, 'trees-logged', '100%', matrixTrees(width))
    const byColumn = await serve(apps, 'trees-by-column', '0%', columnTrees(columns))
    const metrics: Metrics = {}
    const measure = async (name: string, url: string, connections: number, bodies: string[]) => {
      const { perSecond, p50, p99 } = await load({ url, connections, seconds: 8, bodies })
      context.say(`${name}: ${Math.round(perSecond)}/s, p50 ${p50} ms, p99 ${p99} ms`)
      Object.assign(metrics, { [`${name}_per_s`]: perSecond, [`${name}_p50_ms`]: p50, [`${name}_p99_ms`]: p99 })
    }
    const one = many((seed) => matrixBody(1, seed))
    await measure('row_1_connection', quiet, 1, one)
    await measure('row_16_connections', quiet, 16, one)
    await measure('row_64_connections', quiet, 64, one)
    await measure(
      '100_rows_16_connections',
      quiet,
      16,
      many((seed) => matrixBody(100, seed)),
    )
    await measure('row_by_column_16_connections', byColumn, 16, many(columnsBody))
    await measure('row_logged_16_connections', logged, 16, one)
    return { metrics }
  } finally {
    await apps.stop()
  }
}
