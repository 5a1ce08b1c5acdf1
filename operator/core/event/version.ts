/**
 * Order of two resourceVersions of one kind: negative when `a` is older. They are whole numbers of any size without
 * leading zeros, so the longer one is the higher (as in `k8s.io/apimachinery/pkg/util/resourceversion`).
 */
export const compareVersions = (a: string, b: string): number => {
  if (a.length !== b.length) return a.length - b.length
  if (a === b) return 0
  return a < b ? -1 : 1
}
