import { resourceApplied, resourceDeleted } from '@cascata/events'
import { type Fact, fact } from '@cascata/messaging'
import { type Applied } from './decide-apply.ts'

/** What `cascata.specs` says of a resource: its document, or that it is gone. */
export const factOf = ({ resource, revision, generation, deleted }: Applied, commit: string | null): Fact => {
  const { apiVersion, kind, metadata, spec } = resource
  const identity = { kind, namespace: metadata.namespace, name: metadata.name, revision, generation, commit }
  return (
    deleted
      ? fact(resourceDeleted, identity)
      : fact(resourceApplied, { ...identity, apiVersion, metadata, spec: spec as Record<string, unknown> })
  ) as Fact
}
