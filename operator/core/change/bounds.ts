/** What of a change's lists and texts goes into status, so that it stays under 128 KiB. The schemas say the same. */
export const bounds = {
  conditionMessage: 1024,
  entryMessage: 512,
  verdicts: 16,
  blockedBy: 16,
  warnings: 16,
  affected: 100,
  /** bytes of what stands in `applying` of an Environment: the largest batch that shares a publish */
  applyingBytes: 49_152,
} as const

/** Cut to `length` UTF-16 units, whole characters only. */
export const cut = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 1).toWellFormed()}…`
