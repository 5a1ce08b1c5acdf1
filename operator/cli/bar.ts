export interface Progress {
  readonly done: number
  readonly total: number
}

export interface Bar {
  draw(progress: Progress): void
  end(how: { readonly isWhole: boolean }): void
}

/** On standard error; `text` stands behind it. Nothing is drawn of what is done before anybody looks. */
export const makeBar = (width: number, err: (text: string) => void, text: (progress: Progress) => string): Bar => {
  let last: Progress | undefined
  const draw = (progress: Progress): void => {
    const { done, total } = progress
    const counted = text(progress)
    const room = Math.max(Math.min(width - counted.length - 3, 40), 10)
    const filled = Math.round((room * done) / Math.max(total, 1))
    err(`\r[${'#'.repeat(filled)}${' '.repeat(room - filled)}]${counted}`)
    last = progress
  }
  return {
    draw,
    end({ isWhole }) {
      if (!last) return
      if (isWhole) draw({ ...last, done: last.total })
      err('\n')
    },
  }
}
