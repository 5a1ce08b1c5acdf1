/** What every object of the API server has. */
export interface KubernetesObject {
  readonly metadata: ObjectIdentity
}

export interface ObjectIdentity {
  readonly name: string
  readonly namespace?: string
  readonly uid: string
  readonly resourceVersion: string
}

/** The object's identity, or undefined for what is no object of an API server. */
export const identityOf = (raw: unknown): ObjectIdentity | undefined => {
  const metadata = (raw as { metadata?: Partial<ObjectIdentity> } | null | undefined)?.metadata
  if (typeof metadata?.name !== 'string' || typeof metadata.uid !== 'string') return undefined
  if (typeof metadata.resourceVersion !== 'string') return undefined
  return metadata as ObjectIdentity
}

/** `namespace/name`, or `name` for what has no namespace. */
export const namespacedName = ({ namespace, name }: ObjectIdentity): string =>
  namespace === undefined ? name : `${namespace}/${name}`

/** Takes away what is often half of an object and of no use to a controller. Changes its argument, which is ours. */
export const stripManagedFields = <T>(raw: T): T => {
  const metadata = (raw as { metadata?: { managedFields?: unknown } } | null | undefined)?.metadata
  if (metadata?.managedFields !== undefined) delete metadata.managedFields
  return raw
}
