import { identityOf, type ObjectIdentity } from './object.ts'

export type WatchEvent =
  | { readonly type: 'put'; readonly raw: unknown; readonly identity: ObjectIdentity }
  | { readonly type: 'remove'; readonly identity: ObjectIdentity }
  | { readonly type: 'bookmark'; readonly resourceVersion: string }
  | { readonly type: 'error'; readonly status: { code?: number; reason?: string; message?: string } }
  | { readonly type: 'bad'; readonly message: string }

/** One line of a watch. What cannot be understood is `bad`, never a throw: the caller lists again. */
export const watchEventOf = (line: string, decode: (line: string) => unknown): WatchEvent => {
  let event: { type?: unknown; object?: unknown } | null
  try {
    event = decode(line) as typeof event
  } catch (error) {
    return { type: 'bad', message: (error as Error).message }
  }
  const object = event?.object
  switch (event?.type) {
    case 'ADDED':
    case 'MODIFIED': {
      const identity = identityOf(object)
      return identity ? { type: 'put', raw: object, identity } : withoutIdentity(event.type)
    }
    case 'DELETED': {
      const identity = identityOf(object)
      return identity ? { type: 'remove', identity } : withoutIdentity(event.type)
    }
    case 'BOOKMARK': {
      const version = (object as { metadata?: { resourceVersion?: unknown } } | undefined)?.metadata?.resourceVersion
      return typeof version === 'string' && version !== ''
        ? { type: 'bookmark', resourceVersion: version }
        : { type: 'bad', message: 'BOOKMARK: expected metadata.resourceVersion, found none' }
    }
    case 'ERROR':
      return { type: 'error', status: (object ?? {}) as { code?: number; reason?: string; message?: string } }
    default:
      return {
        type: 'bad',
        message: `type: expected ADDED, MODIFIED, DELETED, BOOKMARK or ERROR, found ${event?.type}`,
      }
  }
}

const withoutIdentity = (type: string): WatchEvent => ({
  type: 'bad',
  message: `${type}: expected an object with metadata.name, uid and resourceVersion, found none`,
})
