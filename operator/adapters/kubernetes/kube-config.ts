import { registerHooks } from 'node:module'

/*
 * Of @kubernetes/client-node Karma uses KubeConfig alone, whose module also loads the generated clients of all APIs:
 * 837 files, 0.3 s of processor time. It needs them for `makeApiClient` only, which nobody here calls, so they are
 * left out while it is loaded. Should a later version put them elsewhere, they are loaded as before.
 */
const generated = './gen/index.js'
const withoutClients = registerHooks({
  resolve: (specifier, context, next) =>
    specifier === generated && context.parentURL?.endsWith('/@kubernetes/client-node/dist/config.js')
      ? { url: new URL('kube-config-clients.ts', import.meta.url).href, shortCircuit: true }
      : next(specifier, context),
})
export const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js')
withoutClients.deregister()

export type KubeConfig = InstanceType<typeof KubeConfig>
