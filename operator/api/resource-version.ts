/*
 * resourceVersions of one resource: whole numbers of any size without leading zeros, so the longer one is the higher
 * (KEP-5504; k8s.io/apimachinery, package resourceversion).
 */

export const isNewer = (a: string, b: string): boolean => a.length > b.length || (a.length === b.length && a > b)

/** '0' of none. */
export const newestOf = (versions: readonly string[]): string =>
  versions.reduce((newest, version) => (isNewer(version, newest) ? version : newest), '0')
