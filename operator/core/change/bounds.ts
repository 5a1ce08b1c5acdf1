/**
 * What of a change's lists and texts goes into status, so that it stays under 128 KiB whatever is asked for. Texts are
 * counted in bytes of JSON. The schemas have the same numbers, or larger ones.
 */
export const bounds = {
  conditionMessage: 1024,
  entryMessage: 512,
  verdicts: 16,
  blockedBy: 16,
  warnings: 16,
  affected: 100,
  graphVersions: 8,
  approvals: 4,
  /** that a change passes together */
  environments: 5,
  /** of who approved or denied */
  username: 253,
  /** bytes of the names of the affected, together */
  affectedBytes: 12_288,
  /** bytes of the before- and after-images that a request keeps, as the list that they are stored as */
  images: 65_536,
  /** bytes of all that is committed of a Component: config, references and the rest */
  committed: 36_864,
  /**
   * bytes of what stands in `applying` of an Environment: the largest batch that shares a publish, at most 640 with the
   * shortest names, 500 with names of 26 characters
   */
  applyingBytes: 61_440,
  /** environments that are about to refer to one */
  promised: 16,
  /** characters of the ids that one of them names */
  promisedBytes: 384,
} as const

/** Sentences as one text, each said once. As many as anybody reads: the rest is counted. */
export const sentences = (said: readonly string[]): string => {
  const distinct = [...new Set(said)]
  const more = distinct.length - bounds.verdicts
  return `${distinct.slice(0, bounds.verdicts).join('; ')}${more > 0 ? `; and ${more} more` : ''}`
}
