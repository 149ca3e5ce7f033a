import { wrongUsage } from './errors.ts'

/** A resource: its namespace and name. */
export interface Name {
  namespace: string
  name: string
}

const part = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/** `name` or `namespace/name`. @throws CommandError (usage) */
export function parseName(text: string, namespace: string): Name {
  const parts = text.split('/')
  if (parts.length > 2 || !parts.every((each) => part.test(each))) {
    throw wrongUsage(`${text} is no name`, 'expected name or namespace/name: lower-case letters, digits and dashes')
  }
  return parts.length === 2 ? { namespace: parts[0]!, name: parts[1]! } : { namespace, name: parts[0]! }
}

/** `model/version` or `namespace/model/version`; the last part may be the id of a run. @throws CommandError (usage) */
export function parseVersion(text: string, namespace: string): Name & { version: string } {
  const slash = text.lastIndexOf('/')
  const version = text.slice(slash + 1)
  if (slash < 1 || !/^[A-Za-z0-9][A-Za-z0-9-]{0,199}$/.test(version))
    throw wrongUsage(`${text} names no version`, 'expected model/version, such as flight-delay/3')
  return { ...parseName(text.slice(0, slash), namespace), version }
}

/** A place in Kafka. */
export interface Place {
  topic: string
  partition: number
  offset: number
}

/** `topic/partition/offset`. @throws CommandError (usage) */
export function parsePlace(text: string): Place {
  const match = /^([A-Za-z0-9._-]{1,249})\/(\d{1,9})\/(\d{1,15})$/.exec(text)
  if (!match) throw wrongUsage(`${text} is no place in a topic`, 'expected topic/partition/offset, such as flights/0/4711')
  return { topic: match[1]!, partition: Number(match[2]), offset: Number(match[3]) }
}

/** As people write it: the namespace only where it is not the usual one. */
export const showName = ({ namespace, name }: Name): string => (namespace === 'default' ? name : `${namespace}/${name}`)
