import { requireAccess } from '@cascata/service'
import { modelNotFound, notReady, versionNotServed } from '../errors.ts'
import { type ServedVersion } from '../routing/model-pool.ts'
import { type Router } from '../routing/router.ts'
import { type Serving } from '../routing/serving.ts'
import { type SpecBook } from '../routing/spec-book.ts'

const legal = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/

/** A model as a caller named it. */
export interface Named {
  name: string
  /** `namespace/model` */
  key: string
  serving: Serving
}

/** `name` of the default namespace, or `namespace.name`. Resource names have no dots. */
export const keyOfName = (name: string): { namespace: string; model: string } => {
  const dot = name.indexOf('.')
  return dot === -1 ? { namespace: 'default', model: name } : { namespace: name.slice(0, dot), model: name.slice(dot + 1) }
}

export const nameOfKey = ({ namespace, model }: { namespace: string; model: string }): string =>
  namespace === 'default' ? model : `${namespace}.${model}`

/** Finds what answers for a name of the path, for who asks. */
export function modelsByName(router: Router, specs: SpecBook) {
  const find = (name: string): Named => {
    if (!legal.test(name)) throw modelNotFound({ model: name.slice(0, 128) })
    const { namespace, model } = keyOfName(name)
    requireAccess(namespace, model)
    const key = `${namespace}/${model}`
    const serving = router.find(key)
    if (serving && serving.route.champion !== null) return { name, key, serving }
    throw specs.of(key) || serving ? notReady({ model: name }) : modelNotFound({ model: name })
  }
  /** @param version as the path has it, or the champion */
  const version = ({ name, serving }: Named, version: string | undefined): ServedVersion => {
    const found = serving.version(version ?? serving.route.champion!)
    if (!found) throw versionNotServed({ model: name, version: (version ?? '').slice(0, 40) })
    return found
  }
  return { find, version }
}

export type ModelsByName = ReturnType<typeof modelsByName>
