/** Which resource a request is about. The core group is the empty string. */
export interface Resource {
  readonly group: string
  readonly version: string
  readonly plural: string
}

export interface Target {
  readonly namespace?: string
  readonly name?: string
  readonly subresource?: string
}

/** The API server's path of a collection or object; every segment escaped, so that no name leads elsewhere. */
export const pathOf = ({ group, version, plural }: Resource, { namespace, name, subresource }: Target = {}): string => {
  const segments = group === '' ? ['api', version] : ['apis', group, version]
  if (namespace !== undefined) segments.push('namespaces', namespace)
  segments.push(plural)
  if (name !== undefined) segments.push(name)
  if (subresource !== undefined) segments.push(subresource)
  return `/${segments.map(encodeURIComponent).join('/')}`
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>

/** `?a=1&b=2`, or nothing; undefined values are left out. */
export const queryText = (query: Query | undefined): string => {
  let text = ''
  for (const name in query) {
    const value = query[name]
    if (value !== undefined) text += `${text === '' ? '?' : '&'}${name}=${encodeURIComponent(value)}`
  }
  return text
}
