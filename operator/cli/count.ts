/** `1 field`, `2 fields`. */
export const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`

/** `only 1 event is shown`, of more. */
export const only = (number: number, noun: string): string =>
  `only ${count(number, noun)} ${number === 1 ? 'is' : 'are'} shown`
