/** A model by namespace and name. */
export interface ModelName {
  readonly namespace: string
  readonly model: string
}

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const qualified = new RegExp(`^(${label})\\.(${label})$`)

/**
 * The model that a registered model of MLflow stands for: `name` in the namespace `default`, or `namespace.name`.
 * A name that is no name of ours (spaces, capitals, more dots) is a model of the namespace `default` that no Model can be applied for.
 */
export const modelOf = (registered: string): ModelName => {
  const match = qualified.exec(registered)
  return match ? { namespace: match[1]!, model: match[2]! } : { namespace: 'default', model: registered }
}

/** How MLflow's clients call a model. */
export const registeredName = ({ namespace, model }: ModelName): string =>
  namespace === 'default' ? model : `${namespace}.${model}`

const ofNamespace = new RegExp(`^(${label})/${label}$`)

/** The namespace of an experiment: that of the model it is called after (`namespace/model`), else `default`. */
export const namespaceOfExperiment = (name: string): string => ofNamespace.exec(name)?.[1] ?? 'default'
