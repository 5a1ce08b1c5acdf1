import { createInterface } from 'node:readline'
import { Agent, request } from 'undici'
import type { ControlPlane } from '../cluster/control-plane.ts'
import { apiOf } from './api.ts'

// biome-ignore lint/suspicious/noExplicitAny: tests look into objects of every kind
export type Recorded = any

/** One state of an object, as the API server stored it. */
export interface State {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly kind: string
  readonly object: Recorded
  /** order among all objects: one etcd counts for all kinds */
  readonly resourceVersion: number
}

/** Watches the API server past every proxy and keeps each state that an object was in. */
export interface Recorder {
  /** All states of a namespace's objects, in the order in which they were written. */
  states(namespace: string): readonly State[]
  /** The newest state; undefined when it is not there, or not any more. */
  latest(kind: string, namespace: string, name: string): Recorded | undefined
  /** When its newest state was seen, by the monotonic clock; 0 when there is none. */
  seenAt(kind: string, namespace: string, name: string): number
  /** The newest states of all objects of a kind in a namespace. */
  all(kind: string, namespace: string): readonly Recorded[]
  /** The same in all namespaces. */
  everywhere(kind: string): readonly Recorded[]
  /** Resolves with what `look` gives as soon as that is not undefined; throws after `ms`, saying `what` never came. */
  until<T>(what: string, look: () => T | undefined, ms?: number): Promise<T>
  /** The highest resourceVersion seen so far, of whatever kind. */
  reached(): number
  /** How often a state may have been missed: a watch could not go on where it had ended. */
  gaps(): number
  stop(): Promise<void>
}

const group = '/apis/usekarma.dev/v1alpha1'
const watched: Readonly<Record<string, string>> = {
  ChangeRequest: `${group}/changerequests`,
  Component: `${group}/components`,
  Environment: `${group}/environments`,
}
/** Only the newest state of these: Leases are renewed all the time, and what an approval says of itself decides nothing. */
const newestOnly: Readonly<Record<string, string>> = {
  Lease: '/apis/coordination.k8s.io/v1/leases',
  ChangeApproval: `${group}/changeapprovals`,
}

export const startRecorder = async (controlPlane: ControlPlane): Promise<Recorder> => {
  const api = apiOf(controlPlane.kubeconfig)
  const dispatcher = new Agent({ connect: { ca: controlPlane.ca }, allowH2: false, bodyTimeout: 0 })
  const stopping = new AbortController()
  const history = new Map<string, State[]>()
  const newest = new Map<string, Recorded>()
  const seen = new Map<string, number>()
  const listeners = new Set<() => void>()
  let gaps = 0
  let reachedVersion = 0

  const take = (kind: string, type: State['type'], object: Recorded): void => {
    const { namespace, name, resourceVersion } = object.metadata
    const key = `${kind} ${namespace}/${name}`
    reachedVersion = Math.max(reachedVersion, Number(resourceVersion))
    seen.set(key, performance.now())
    if (type === 'DELETED') newest.delete(key)
    else newest.set(key, object)
    if (kind in watched) {
      const states = history.get(namespace) ?? []
      if (states.length === 0) history.set(namespace, states)
      states.push({ type, kind, object, resourceVersion: Number(resourceVersion) })
    }
    for (const listener of listeners) listener()
  }

  const list = async (kind: string, path: string): Promise<string> => {
    const { status, body, message } = await api.get(path)
    if (status !== 200) throw new Error(`list of ${path}: ${status} ${message}`)
    for (const item of body.items) {
      const known = newest.get(`${kind} ${item.metadata.namespace}/${item.metadata.name}`)
      if (known?.metadata.resourceVersion === item.metadata.resourceVersion) continue
      take(kind, known === undefined ? 'ADDED' : 'MODIFIED', { kind, apiVersion: body.apiVersion, ...item })
    }
    return body.metadata.resourceVersion
  }

  /** From `version` until the watch ends; gives the version to go on from, or undefined when that is not possible. */
  const watch = async (kind: string, path: string, version: string): Promise<string | undefined> => {
    const query = `watch=1&resourceVersion=${version}&allowWatchBookmarks=true`
    const headers = { authorization: `Bearer ${controlPlane.token}` }
    const { signal } = stopping
    const answer = await request(`${controlPlane.url}${path}?${query}`, { dispatcher, headers, signal })
    if (answer.statusCode !== 200) {
      await answer.body.dump()
      return answer.statusCode === 410 ? undefined : version
    }
    let reached = version
    try {
      for await (const line of createInterface({ input: answer.body })) {
        const { type, object } = JSON.parse(line)
        if (type === 'ERROR') return undefined
        if (type !== 'BOOKMARK') take(kind, type, object)
        reached = object.metadata.resourceVersion
      }
    } catch {
      // Cut off, perhaps in the middle of a line: what is whole has been taken.
    }
    return reached
  }

  const follow = async (kind: string, path: string, from: string): Promise<void> => {
    let version: string | undefined = from
    while (!stopping.signal.aborted) {
      try {
        if (version === undefined) {
          version = await list(kind, path)
          gaps++
        }
        version = await watch(kind, path, version)
      } catch {
        // The API server is down: it will be back.
        await new Promise((resume) => setTimeout(resume, 50))
      }
    }
  }

  const everything = Object.entries({ ...watched, ...newestOnly })
  const begun = await Promise.all(everything.map(async ([kind, path]) => [kind, path, await list(kind, path)] as const))
  const following = begun.map(([kind, path, version]) => follow(kind, path, version))

  return {
    states: (namespace) => (history.get(namespace) ?? []).toSorted((a, b) => a.resourceVersion - b.resourceVersion),
    latest: (kind, namespace, name) => newest.get(`${kind} ${namespace}/${name}`),
    seenAt: (kind, namespace, name) => seen.get(`${kind} ${namespace}/${name}`) ?? 0,
    all: (kind, namespace) =>
      [...newest].flatMap(([key, object]) => (key.startsWith(`${kind} ${namespace}/`) ? [object] : [])),
    everywhere: (kind) => [...newest].flatMap(([key, object]) => (key.startsWith(`${kind} `) ? [object] : [])),
    until: (what, look, ms = 120_000) =>
      new Promise((resolve, reject) => {
        const end = (act: () => void): void => {
          clearTimeout(timer)
          listeners.delete(check)
          act()
        }
        const check = (): void => {
          const found = look()
          if (found !== undefined) end(() => resolve(found))
        }
        const timer = setTimeout(() => end(() => reject(new Error(`never came, in ${ms / 1000} s: ${what}`))), ms)
        listeners.add(check)
        check()
      }),
    reached: () => reachedVersion,
    gaps: () => gaps,
    stop: async () => {
      stopping.abort()
      await Promise.all(following)
      await dispatcher.destroy()
      await api.close()
    },
  }
}
