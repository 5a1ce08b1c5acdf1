import { type Command, Option } from 'commander'
import { failure, type Result, success } from '../api/result.ts'
import type { Of } from '../ports/cluster.ts'
import type { Objects } from '../ports/objects.ts'
import { withConnection } from './output.ts'
import type { CommonFlags } from './verb.ts'

/** What every verb about the graph may be told. */
export interface GraphFlags extends CommonFlags {
  readonly environment?: string
}

export const withEnvironment = (command: Command): Command =>
  withConnection(command.option('--environment <name>', 'default: the only one of the namespace'))

export const atOption = (preset = 'the newest'): Option =>
  new Option('--at <version>', `as of this version of the environment; default: ${preset}`)

/** The Environment that is meant. Fails with `NotFound`, naming those there are. */
export const environmentOf = async (
  objects: Objects,
  namespace: string,
  name: string | undefined,
): Promise<Result<Of<'Environment'>>> => {
  const listed = await objects.list('Environment', { namespace })
  return listed.ok ? chosen(listed.value.items, namespace, name) : listed
}

export const chosen = (
  environments: readonly Of<'Environment'>[],
  namespace: string,
  name: string | undefined,
): Result<Of<'Environment'>> => {
  const found = environments.filter(({ metadata }) => name === undefined || metadata.name === name)
  if (found.length === 1) return success(found[0]!)
  const names = environments.map(({ metadata }) => metadata.name).sort()
  const there = names.join(', ') || 'none'
  const expected = `--environment: expected an Environment of namespace ${namespace}`
  const message =
    name === undefined
      ? `${expected}, found ${there}${names.length > 1 ? '; say which' : ''}`
      : `${expected}, found ${JSON.stringify(name)}; there are: ${there}`
  return failure({ reason: 'NotFound', message, retry: false })
}

/** A version as people write it: `12`, `v12`. `field`: for the message. */
export const versionIn = (text: string, field: string): Result<number> => {
  const [, digits] = /^v?(\d{1,15})$/.exec(text) ?? []
  if (digits !== undefined) return success(Number(digits))
  return failure({
    reason: 'BadRequest',
    message: `${field}: expected a version, a whole number as kubectl karma graph versions lists them, found ${JSON.stringify(text)}`,
    retry: false,
  })
}

/** The version of `--at`, where it is given. */
export const versionAt = (text: string | undefined): Result<number | undefined> =>
  text === undefined ? success(undefined) : versionIn(text, '--at')
