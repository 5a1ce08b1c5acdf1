/** What kafkajs throws, in one line: with the broker's own word for it, and what lies under "retries exceeded". */
export const textOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const { type, cause, errors, broker } = error as Details
  const first = errors?.[0] ?? (error.name === 'KafkaJSNumberOfRetriesExceeded' ? cause : undefined)
  if (first instanceof Error) return textOf(first)
  const code = (cause as { code?: unknown } | undefined)?.code
  const word = typeof type === 'string' ? type : typeof code === 'string' ? code : undefined
  const added = [word, typeof broker === 'string' ? `broker ${broker}` : undefined].filter(
    (text) => text !== undefined && !error.message.includes(text.replace(/^broker /, '')),
  )
  return added.length === 0 ? error.message : `${error.message} (${added.join(', ')})`
}

/** What errors of kafkajs have, as the case may be. */
interface Details {
  readonly type?: unknown
  readonly cause?: unknown
  readonly errors?: readonly unknown[]
  /** HOST:PORT */
  readonly broker?: unknown
}

/** The broker's own word for an error, such as `TOPIC_AUTHORIZATION_FAILED`, also where it lies under another one. */
export const wordOf = (error: unknown): string | undefined => {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { type } = at as { type?: unknown }
    if (typeof type === 'string') return type
  }
  return undefined
}
