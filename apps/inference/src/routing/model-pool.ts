import { type Engine, type LoadedModel } from '../models/engine.ts'
import { layoutOf, signatureOf, withNullable, type Layout, type Signature } from '../models/signature.ts'
import { nameOf, type VersionName, type VersionStore } from '../models/version-files.ts'
import { type TensorSpec } from '../protocol/tensors.ts'

/** A version that can answer. */
export interface ServedVersion extends VersionName {
  model: string
  loaded: LoadedModel
  /** Inputs with what the signature says of missing values. */
  inputs: readonly TensorSpec[]
  signature: Signature | undefined
  /** How rows of columns become tensors; absent: tensors only. */
  layout: Layout | undefined
  notNull: ReadonlySet<string>
  revision: number | undefined
  loadMs: number
}

/** A version that somebody uses; the session is freed when the last one lets go. */
export interface Lease {
  version: ServedVersion
  release(): Promise<void>
}

export interface ModelPool {
  /**
   * @returns `fresh`: it was not loaded before
   * @throws ModelRefused, or CodedError when the registry does not answer
   */
  acquire(name: VersionName): Promise<Lease & { fresh: boolean }>
  readonly size: number
}

interface Entry {
  leases: number
  loading: Promise<ServedVersion>
}

/** Versions by name, each loaded once however many routes name it. */
export function modelPool({ engine, files }: { engine: Engine; files: VersionStore }): ModelPool {
  const entries = new Map<string, Entry>()
  let loads = 0

  const load = async (name: VersionName): Promise<ServedVersion> => {
    const began = performance.now()
    const { file, golden, signature: said, notNull, revision } = await files.fetch(name)
    const loaded = await engine.load(`${nameOf(name)}#${++loads}`, file, golden)
    const signature = said ?? signatureOf(loaded.inputs)
    const layout = layoutOf(signature, loaded.inputs)
    const inputs = withNullable(loaded.inputs, signature, layout)
    return { ...name, loaded, inputs, signature, layout, notNull: new Set(notNull), revision, loadMs: performance.now() - began }
  }
  const release = async (key: string, entry: Entry): Promise<void> => {
    if (--entry.leases > 0) return
    if (entries.get(key) === entry) entries.delete(key)
    const version = await entry.loading.catch(() => undefined)
    await version?.loaded.close()
  }

  return {
    get size() {
      return entries.size
    },
    async acquire(name) {
      const key = nameOf(name)
      const known = entries.get(key)
      const entry = known ?? { leases: 0, loading: load(name) }
      entries.set(key, entry)
      entry.leases++
      let released: Promise<void> | undefined
      try {
        const version = await entry.loading
        return { version, fresh: !known, release: () => (released ??= release(key, entry)) }
      } catch (error) {
        await release(key, entry)
        throw error
      }
    },
  }
}
