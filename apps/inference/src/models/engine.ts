import type ort from 'onnxruntime-node'
import { type Tensor, type TensorSpec } from '../protocol/tensors.ts'
import { decidePlacement, inlineRows, type Placement, type PlacementLimits } from './decide-placement.ts'
import { type Golden } from './decide-golden.ts'
import { type ModelFile, type TrialReport } from './host-messages.ts'
import { startModelHost, type ModelHost } from './model-host.ts'
import { ModelRefused } from './model-refused.ts'
import { createSession, runSession } from './onnx-tensors.ts'
import { firstLine, readVerified } from './try-model.ts'

/** A model that can answer. */
export interface LoadedModel {
  inputs: readonly TensorSpec[]
  outputs: readonly TensorSpec[]
  placement: Placement
  report: TrialReport
  /** @throws ModelRefused when the run fails, its process died or it took too long */
  run(tensors: readonly Tensor[], rows: number): Promise<Tensor[]>
  /** Frees the session; runs under way end first. */
  close(): Promise<void>
}

export interface Engine {
  /**
   * Tries a model in a process of its own (bytes, graph, golden rows, warm-up), then makes it ready to answer.
   *
   * @param key names the model within this engine
   * @throws ModelRefused
   */
  load(key: string, file: ModelFile, golden: Golden | undefined): Promise<LoadedModel>
  /** The process for large bodies and batches. */
  readonly host: ModelHost
  stop(): Promise<void>
}

export interface EngineSettings {
  placement: PlacementLimits
  hostMemoryMiB: number
  /** Of a trial, and of a run in the other process. */
  trialTimeoutMs: number
  runTimeoutMs: number
  /** Largest difference, absolute or relative, between golden and replayed numbers. */
  goldenTolerance: number
  onHostExit?: (host: 'trial' | 'batch', why: string) => void
}

/** Two processes beside this one: models are tried in the first, so that one which breaks it takes no answer with it. */
export function startEngine(settings: EngineSettings): Engine {
  const { hostMemoryMiB: memoryMiB, onHostExit } = settings
  const trial = startModelHost({ memoryMiB, warm: true, onExit: (why) => onHostExit?.('trial', why) })
  const host = startModelHost({ memoryMiB, warm: false, onExit: (why) => onHostExit?.('batch', why) })
  return {
    host,
    async load(key, file, golden) {
      const options = { golden, tolerance: settings.goldenTolerance }
      const report = await trial.call({ do: 'try', file, options }, settings.trialTimeoutMs)
      const placement = decidePlacement(report, settings.placement)
      const session = placement === 'inline' ? await createSession(await readVerified(file)) : undefined
      const remote = remoteModel(host, key, file, settings)
      if (!session) await remote.prepare()
      return loadedModel({ report, placement, session, remote, rows: inlineRows(report, settings.placement) })
    },
    stop: async () => {
      await Promise.all([trial.stop(), host.stop()])
    },
  }
}

interface Parts {
  report: TrialReport
  placement: Placement
  session: ort.InferenceSession | undefined
  remote: ReturnType<typeof remoteModel>
  rows: number
}

function loadedModel({ report, placement, session, remote, rows: most }: Parts): LoadedModel {
  let running = 0
  let idle: PromiseWithResolvers<void> | undefined
  const counted = async (tensors: readonly Tensor[], rows: number): Promise<Tensor[]> => {
    running++
    try {
      return session && rows <= most ? await runSession(session, tensors) : await remote.run(tensors)
    } catch (error) {
      throw error instanceof ModelRefused
        ? error
        : new ModelRefused('INF_MODEL_RUN_FAILED', `The model fails on this request: ${firstLine(error)}`)
    } finally {
      if (--running === 0) idle?.resolve()
    }
  }
  return {
    inputs: report.inputs,
    outputs: report.outputs,
    placement,
    report,
    run: counted,
    close: async () => {
      if (running > 0) await (idle = Promise.withResolvers<void>()).promise
      await session?.release()
      await remote.unload()
    },
  }
}

/** A model in the other process: loaded when first needed, and again when that process is a new one. */
function remoteModel(host: ModelHost, key: string, file: ModelFile, { runTimeoutMs, trialTimeoutMs }: EngineSettings) {
  let loadedIn = 0
  const prepare = async (): Promise<void> => {
    const incarnation = host.incarnation()
    if (loadedIn === incarnation) return
    await host.call({ do: 'load', key, file }, trialTimeoutMs)
    loadedIn = incarnation
  }
  const runOnce = async (tensors: readonly Tensor[]): Promise<Tensor[]> => {
    await prepare()
    return host.call({ do: 'run', key, tensors: [...tensors] }, runTimeoutMs)
  }
  return {
    prepare,
    /** Tried again once when the process died: another model may have been the cause. */
    run: async (tensors: readonly Tensor[]): Promise<Tensor[]> => {
      try {
        return await runOnce(tensors)
      } catch (error) {
        if (!(error instanceof ModelRefused) || error.code !== 'INF_MODEL_CRASHED') throw error
        return runOnce(tensors)
      }
    },
    unload: async (): Promise<void> => {
      if (loadedIn !== 0 && loadedIn === host.incarnation())
        await host.call({ do: 'unload', key }, runTimeoutMs).catch(() => undefined)
      loadedIn = 0
    },
  }
}
