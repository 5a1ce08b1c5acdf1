/**
 * resourceVersions of one resource are decimal integers without leading zeros and grow with every write
 * (k8s.io/apimachinery, package resourceversion); compared without parsing: length first, then lexically.
 * Absent or empty is older than everything.
 */
export const compareVersions = (left = '', right = ''): number => {
  if (left.length !== right.length) return left.length < right.length ? -1 : 1
  if (left === right) return 0
  return left < right ? -1 : 1
}

export const newest = (left: string, right: string): string => (compareVersions(left, right) < 0 ? right : left)
