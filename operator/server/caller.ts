import { failure, type Result, success } from '../api/result.ts'
import type { Access, Caller, Right } from '../ports/access.ts'

/** Who asks. Fails with `Unauthorized`. */
export const identified = (access: Access, token: string | undefined): Promise<Result<Caller>> =>
  token ? access.identify(token) : Promise.resolve(unauthorized)

/** Fails with `Forbidden` when the caller has not that right. */
export const permitted = async (access: Access, caller: Caller, right: Right): Promise<Result<void>> => {
  const allowed = await access.may(caller, right)
  if (!allowed.ok) return allowed
  return allowed.value ? success(undefined) : forbidden(caller, right)
}

const unauthorized: Result<never> = failure({
  reason: 'Unauthorized',
  message: 'Authorization: expected a bearer token of the cluster, found none',
  retry: false,
})

const forbidden = ({ username }: Caller, right: Right): Result<never> => {
  const { verb, resource = 'changerequests', namespace, name } = right
  const where = namespace === undefined ? 'in all namespaces' : `in namespace ${namespace}`
  // A verb that kubectl does not know, so nobody has it by chance.
  const next = verb === 'replay' ? `; it takes the verb replay on ${resource}, which the role admin has` : ''
  return failure({
    reason: 'Forbidden',
    message: `${username} may not ${verb} ${resource}.usekarma.dev${name ? ` ${name}` : ''} ${where}${next}`,
    retry: false,
  })
}
