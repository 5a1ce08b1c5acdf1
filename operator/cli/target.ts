import { failure, type Result, success } from '../api/result.ts'
import { idOfName, resolveId } from '../core/component/identity.ts'

/** What somebody names on the command line. `key`: `namespace/name`; `id`: the full id. */
export type Target =
  | { readonly of: 'ChangeRequest'; readonly key: string }
  | { readonly of: 'Component'; readonly id: string }

/** As kubectl writes and takes them, `-o name` among them. */
const words: Readonly<Record<Target['of'], readonly string[]>> = {
  ChangeRequest: ['changerequest', 'changerequests', 'kcr'],
  Component: ['component', 'components', 'kcomp'],
}

const kindOf = (word: string): Target['of'] | undefined => {
  const plain = word.toLowerCase().replace(/\.usekarma\.dev$/, '')
  return (['ChangeRequest', 'Component'] as const).find((kind) => words[kind].includes(plain))
}

/** A name alone is a change, `type/nickname` a Component, `kind/name` what it says. */
export const targetOf = (text: string, namespace: string): Result<Target> => {
  const [word = '', name = '', ...more] = text.split('/')
  const kind = more.length === 0 && name !== '' ? kindOf(word) : undefined
  if (kind === 'ChangeRequest' || !text.includes('/')) return changeOf(text, namespace)
  return componentOf(text, namespace)
}

/** `name` or `changerequest/name`. */
export const changeOf = (text: string, namespace: string): Result<Extract<Target, { of: 'ChangeRequest' }>> => {
  const name = kindOf(text.split('/')[0] ?? '') === 'ChangeRequest' ? text.slice(text.indexOf('/') + 1) : text
  return /^[a-z0-9][a-z0-9.-]*$/.test(name)
    ? success({ of: 'ChangeRequest', key: `${namespace}/${name}` })
    : unclear(text, 'the NAME of a ChangeRequest (its namespace is said by -n)')
}

/** `type/nickname`, `namespace/type/nickname`, `component/name`, or `name`, which is `type.nickname`. */
export const componentOf = (text: string, namespace: string): Result<Extract<Target, { of: 'Component' }>> => {
  const parts = text.split('/')
  const isName = parts.length === 1 || (parts.length === 2 && kindOf(parts[0]!) === 'Component' && text.includes('.'))
  const id = isName ? idOfName(namespace, parts.at(-1)!) : resolveId(text, namespace)
  return id.ok
    ? success({ of: 'Component', id: id.value })
    : unclear(text, 'a Component as TYPE/NICKNAME or component/NAME')
}

const unclear = (found: string, expected: string): Result<never> =>
  failure({
    reason: 'BadRequest',
    message: `expected ${expected}, found ${JSON.stringify(found.slice(0, 300))}`,
    retry: false,
  })
