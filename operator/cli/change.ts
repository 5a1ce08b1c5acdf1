import type { Condition } from '../api/kinds.generated.ts'
import { failure, type Result } from '../api/result.ts'
import { conditionOf } from '../core/change/status.ts'
import type { Of } from '../ports/cluster.ts'
import type { Objects } from '../ports/objects.ts'

/** The ChangeRequest with this key. Fails with `NotFound`. */
export const readChange = async (objects: Objects, key: string): Promise<Result<Of<'ChangeRequest'>>> => {
  const read = await objects.get('ChangeRequest', key)
  if (!read.ok) return read
  if (read.value) return { ok: true, value: read.value }
  const message = `ChangeRequest ${key}: expected one of that name, found none; see kubectl get changerequests -n ${key.split('/')[0]}`
  return failure({ reason: 'NotFound', message, retry: false })
}

/** Where it stands, in a word and a sentence. */
export const standingOf = ({ status }: Of<'ChangeRequest'>): Pick<Condition, 'reason' | 'message'> => {
  const succeeded = conditionOf(status?.conditions, 'Succeeded')
  return { reason: succeeded?.reason ?? '', message: succeeded?.message ?? '' }
}

/** For messages that name its phase; a phase that says it all needs no reason. */
export const because = (request: Of<'ChangeRequest'>): string => {
  const { reason } = standingOf(request)
  return reason === '' || reason === request.status?.phase ? '' : ` (${reason})`
}
