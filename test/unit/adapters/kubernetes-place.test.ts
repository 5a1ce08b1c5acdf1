import assert from 'node:assert/strict'
import { makeAccess } from '../../../operator/adapters/kubernetes/access.ts'
import type { Answer } from '../../../operator/adapters/kubernetes/failure.ts'
import { makePlace } from '../../../operator/adapters/kubernetes/place.ts'

const refused = (reason: string): Answer<never> => ({
  ok: false,
  failure: { reason, message: 'said so', retry: false },
})
const path = '/api/v1/namespaces/karma-system/configmaps/karma-relay'

/** One ConfigMap, as the API server keeps it. */
const makeServer = () => {
  const calls: string[] = []
  const state = { data: undefined as Record<string, string> | undefined, raced: false }
  const client = {
    get: async (asked: string): Promise<Answer<unknown>> => {
      calls.push(`get ${asked}`)
      return state.data ? { ok: true, value: { data: state.data } } : refused('NotFound')
    },
    create: async (asked: string, body: unknown): Promise<Answer<unknown>> => {
      calls.push(`create ${asked}`)
      if (state.raced) {
        state.data = { Other: '1' }
        return refused('AlreadyExists')
      }
      state.data = { ...(body as { data: Record<string, string> }).data }
      return { ok: true, value: {} }
    },
    patch: async (asked: string, body: unknown): Promise<Answer<unknown>> => {
      calls.push(`patch ${asked}`)
      if (!state.data) return refused('NotFound')
      Object.assign(state.data, (body as { data: Record<string, string> }).data)
      return { ok: true, value: {} }
    },
  }
  return { calls, state, place: makePlace({ client, namespace: 'karma-system' }) }
}

describe('place in a ConfigMap', () => {
  it('is nowhere at first, made by the first write, and each kind has its own', async () => {
    const { calls, state, place } = makeServer()
    assert.deepEqual(await place.read('Component'), { ok: true, value: undefined })
    assert.ok((await place.write('Component', '12')).ok)
    assert.ok((await place.write('Environment', '15')).ok)
    assert.deepEqual(state.data, { Component: '12', Environment: '15' })
    assert.deepEqual(await place.read('Component'), { ok: true, value: '12' })
    assert.deepEqual(calls, [
      `get ${path}`,
      `patch ${path}`,
      'create /api/v1/namespaces/karma-system/configmaps',
      `patch ${path}`,
      `get ${path}`,
    ])
  })

  it('made by another kind at the same moment: written all the same', async () => {
    const { state, place } = makeServer()
    state.raced = true
    assert.ok((await place.write('Component', '12')).ok)
    assert.deepEqual(state.data, { Other: '1', Component: '12' })
  })

  it('somebody’s nonsense in it is no place', async () => {
    const { state, place } = makeServer()
    state.data = { Component: 'yesterday' }
    assert.deepEqual(await place.read('Component'), { ok: true, value: undefined })
  })
})

describe('access by reviews', () => {
  const reviews: { path: string; spec: unknown }[] = []
  const access = (status: unknown) =>
    makeAccess({
      client: {
        create: async (asked, body) => {
          reviews.push({ path: asked, spec: (body as { spec: unknown }).spec })
          return status === undefined ? refused('Forbidden') : { ok: true, value: { status } }
        },
      },
    })
  const user = { username: 'jo', uid: '7', groups: ['dev'], extra: { scopes: ['a'] } }

  it('a token is somebody’s, or nobody’s', async () => {
    assert.deepEqual(await access({ authenticated: true, user }).identify('t'), { ok: true, value: user })
    for (const status of [{ authenticated: false }, { authenticated: true, user: {} }, {}]) {
      const answer = await access(status).identify('t')
      assert.equal(answer.ok || answer.failure.reason, 'Unauthorized')
    }
  })

  it('a right is asked for in full', async () => {
    reviews.length = 0
    assert.deepEqual(await access({ allowed: true }).may(user, { verb: 'get', namespace: 'dev', name: 'a' }), {
      ok: true,
      value: true,
    })
    assert.deepEqual(await access({ allowed: false }).may(user, { verb: 'list' }), { ok: true, value: false })
    assert.deepEqual(await access({}).may(user, { verb: 'list' }), { ok: true, value: false })
    assert.deepEqual(reviews[0], {
      path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      spec: {
        user: 'jo',
        uid: '7',
        groups: ['dev'],
        extra: { scopes: ['a'] },
        resourceAttributes: {
          group: 'usekarma.dev',
          version: 'v1alpha1',
          resource: 'changerequests',
          verb: 'get',
          namespace: 'dev',
          name: 'a',
        },
      },
    })
  })

  it('a right on Components is asked for as such', async () => {
    reviews.length = 0
    const right = { verb: 'list', resource: 'components', namespace: 'dev' } as const
    assert.deepEqual(await access({ allowed: true }).may(user, right), { ok: true, value: true })
    const { resourceAttributes } = reviews[0]!.spec as { resourceAttributes: object }
    assert.deepEqual(resourceAttributes, { group: 'usekarma.dev', version: 'v1alpha1', ...right })
  })

  it('our own lack of rights is not the caller’s', async () => {
    for (const answer of [await access(undefined).identify('t'), await access(undefined).may(user, { verb: 'list' })]) {
      assert.equal(answer.ok || answer.failure.reason, 'Unavailable')
    }
  })
})
