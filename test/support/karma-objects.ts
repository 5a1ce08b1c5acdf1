import type {
  ChangeRequestSpec,
  ComponentSpec,
  ComponentTypeSpec,
  EnvironmentSpec,
} from '../../operator/api/kinds.generated.ts'

/** Manifests as people write them, before any default. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly [field: string]: unknown }
  readonly spec: object
}

const apiVersion = 'usekarma.dev/v1alpha1'

/** `id` is type/nickname. The environment is `dev` unless said otherwise. */
export const component = (id: string, spec: Partial<ComponentSpec> = {}): Manifest => {
  const [type = '', nickname = ''] = id.split('/')
  const name = `${type}.${nickname}`
  return { apiVersion, kind: 'Component', metadata: { name }, spec: { type, nickname, environment: 'dev', ...spec } }
}

export const changeRequest = (name: string, spec: Partial<ChangeRequestSpec>): Manifest => ({
  apiVersion,
  kind: 'ChangeRequest',
  metadata: { name },
  spec,
})

export const componentType = (name: string, spec: ComponentTypeSpec): Manifest => ({
  apiVersion,
  kind: 'ComponentType',
  metadata: { name },
  spec,
})

export const environment = (name: string, spec: EnvironmentSpec): Manifest => ({
  apiVersion,
  kind: 'Environment',
  metadata: { name },
  spec,
})

/** A reference of the same name as the type it leads to. */
export const refersTo = (...ids: string[]): { name: string; component: string }[] =>
  ids.map((id) => ({ name: id.replace('/', '-').replaceAll('.', '-'), component: id }))
