/** Objects as an API server sends them, small. */
export interface TestObject {
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly uid: string
    readonly resourceVersion: string
    readonly managedFields?: unknown[]
  }
  readonly spec: { readonly value: string }
}

/** `uid` defaults to one per name; pass another for an object that was created again. */
export const anObject = (name: string, version: number, uid = `uid-of-${name}`, value = `v${version}`): TestObject => ({
  kind: 'Thing',
  metadata: { name, namespace: 'ns', uid, resourceVersion: String(version) },
  spec: { value },
})

export const added = (object: unknown) => ({ type: 'ADDED', object })
export const modified = (object: unknown) => ({ type: 'MODIFIED', object })
export const deleted = (object: unknown) => ({ type: 'DELETED', object })
export const bookmark = (version: number) => ({
  type: 'BOOKMARK',
  object: { kind: 'Thing', metadata: { resourceVersion: String(version) } },
})
export const errorEvent = (code: number, message = 'scripted') => ({
  type: 'ERROR',
  object: { kind: 'Status', code, message },
})
