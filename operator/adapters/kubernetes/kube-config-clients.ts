/** Stands where KubeConfig expects the generated clients of @kubernetes/client-node (kube-config.ts says why). */
const absent = (): never => {
  throw new Error('KubeConfig.makeApiClient: the generated clients are not loaded in Karma; see kube-config.ts')
}

export const createConfiguration = absent
export const ServerConfiguration = absent
