import { codeOf } from '../errors.ts'
import { type Recorder, type ScoredRow, type Seen } from '../log/recorder.ts'
import { encodeResponse, type Encoded } from '../protocol/encode-response.ts'
import { rowsOf, type Tensor } from '../protocol/tensors.ts'
import { validateInputs, validateOutputs } from '../protocol/validate-inputs.ts'
import { type InferRequest } from '../protocol/validate-request.ts'
import { type Scalar } from '../predict/columns.ts'
import { answer, type Outcome } from '../routing/answer.ts'
import { shadowOf, shareOf } from '../routing/decide-route.ts'
import { type ServedVersion } from '../routing/model-pool.ts'
import { type Serving } from '../routing/serving.ts'
import { type SpecBook } from '../routing/spec-book.ts'
import { type ShadowQueue } from '../shadow/shadow-queue.ts'

interface Parts {
  specs: SpecBook
  shadow: ShadowQueue
  recorder: Recorder
  origin: string
}

export interface InferCall {
  serving: Serving
  /** `namespace/model` */
  key: string
  /** As the caller called the model. */
  name: string
  /** One that the caller asked for: no split, no shadow, nobody beside. */
  version: ServedVersion | undefined
  request: InferRequest
  began: number
}

/** Rows of one request that are logged; the rest of a large batch is counted. */
const mostLogged = 1_000

/** Answers tensors: by the version of the request's unit, the candidate scoring beside it afterwards. */
export function inferencer({ specs, shadow, recorder, origin }: Parts) {
  let ids = 0

  const run = (version: ServedVersion, { inputs, outputs }: InferRequest): Promise<Tensor[]> => {
    validateInputs(inputs, version.inputs)
    validateOutputs(outputs, version.loaded.outputs)
    return version.loaded.run(inputs, rowsOf(inputs))
  }
  const note = ({ serving: { route }, key, request }: InferCall, row: ScoredRow, outcome: Outcome<Tensor[]>) => {
    const rows = rowsOf(request.inputs)
    const spec = specs.of(key)
    if (rows === 1) return recorder.record(route, spec, row, outcome, () => seenOf(request.inputs, outcome.result, 0, 1))
    recorder.count(route, outcome, Math.max(0, rows - mostLogged))
    if (rows > mostLogged) recorder.log.dropped('large batch', rows - mostLogged)
    for (let at = 0; at < Math.min(rows, mostLogged); at++)
      recorder.record(route, spec, { ...row, id: `${row.id}/${at}` }, outcome, () =>
        seenOf(request.inputs, outcome.result, at, rows),
      )
  }
  const beside = (call: InferCall, row: ScoredRow, { version: answeredBy, bucket }: Outcome<Tensor[]>, readMs: number) => {
    const { serving, request } = call
    const name = shadowOf(serving.route, answeredBy)
    const version = name === undefined ? undefined : serving.version(name)
    if (!version) return
    serving.hold()
    shadow.offer({
      model: call.key,
      rows: rowsOf(request.inputs),
      run: async () => {
        const began = performance.now()
        const outcome: Outcome<Tensor[]> = {
          version: version.version,
          role: 'shadow',
          bucket,
          propensity: shareOf(serving.route, version.version),
          ms: 0,
        }
        try {
          outcome.result = await run(version, request)
        } catch (error) {
          outcome.error = codeOf(error)
        }
        outcome.ms = readMs + performance.now() - began
        note(call, row, outcome)
      },
      release: () => serving.drop(),
    })
  }

  return async (call: InferCall): Promise<Encoded> => {
    const { serving, version: fixed, request, began, name } = call
    serving.hold()
    try {
      if (fixed) {
        const outputs = await run(fixed, request)
        return encodeResponse(
          { model: name, version: fixed.version, id: request.id, outputs },
          request.outputs,
          request.binaryOutput,
        )
      }
      const readMs = performance.now() - began
      const unit = unitOf(request)
      const row: ScoredRow = {
        id: request.id?.slice(0, 180) || `${origin}-t${++ids}`,
        at: new Date().toISOString(),
        unit,
        entities: {},
      }
      const { version, result, outcomes } = await answer<Tensor[]>({
        serving,
        unit,
        began,
        ask: (asked) => run(asked, request),
        onFailure: (failed) => failed.forEach((outcome) => note(call, row, outcome)),
      })
      for (const outcome of outcomes) note(call, row, outcome)
      beside(call, row, outcomes[0]!, readMs)
      return encodeResponse(
        { model: name, version: version.version, id: request.id, outputs: result },
        request.outputs,
        request.binaryOutput,
      )
    } finally {
      serving.drop()
    }
  }
}

/** `parameters.unit`, else the id, else nothing: drawn at random. */
function unitOf({ parameters, id }: InferRequest): string | undefined {
  const unit = parameters.unit ?? id
  return unit === undefined ? undefined : String(unit).slice(0, 1_024) || undefined
}

/** One row of tensors as the log has it: an input [n, 1] by its name, an element of a wider one as `name[index]`. */
function seenOf(inputs: readonly Tensor[], outputs: readonly Tensor[] | undefined, row: number, rows: number): Seen {
  const features: Record<string, Scalar> = {}
  const missing: string[] = []
  for (const { name, data } of inputs) {
    const width = data.length / rows
    for (let at = 0; at < width; at++) {
      const element = data[row * width + at]!
      const column = width === 1 ? name : `${name}[${at}]`
      const value = plain(element)
      if (value === null) missing.push(column)
      features[column] = value
    }
  }
  return { features, missing, ...saidOf(outputs, row) }
}

function saidOf(outputs: readonly Tensor[] | undefined, row: number): Pick<Seen, 'output' | 'probability'> {
  const label = outputs?.find(({ name }) => name === 'label') ?? outputs?.[0]
  const probabilities = outputs?.find(({ name }) => name === 'probabilities')
  const output = label ? rowAt(label, row) : []
  const by = probabilities && probabilities !== label ? rowAt(probabilities, row) : []
  const probability = by.length === 2 ? by[1] : by[0]
  return {
    output: output.length === 1 ? output[0]! : output,
    ...(by.length <= 2 && typeof probability === 'number' ? { probability } : {}),
  }
}

function rowAt({ shape, data }: Tensor, row: number): Scalar[] {
  const width = data.length / (shape[0] ?? 1)
  return Array.from({ length: width }, (_, at) => plain(data[row * width + at]!))
}

const plain = (element: string | number | bigint): Scalar => {
  if (typeof element === 'bigint') return Number(element)
  return typeof element === 'number' && !Number.isFinite(element) ? null : element
}
