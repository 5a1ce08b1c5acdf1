/** What a guard in CEL says after its sentence: the expression and what it found. */
const expression = / \(guard \S+ of ((?:ComponentType|Environment) \S+): expected [\s\S]*\)$/

/** A verdict's message for a line of a table: the expression of a guard is where the guard is. */
export const brief = (message: string): string => message.replace(expression, ' (a guard of $1)')
