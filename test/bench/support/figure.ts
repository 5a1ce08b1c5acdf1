/** One figure of a bench, beside the ceiling or peer that ran in the same run on the same machine. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** The ceiling or peer and its value. */
  readonly against?: string
  /** How many times as good as `against`: above 1 is better than it. */
  readonly ratio?: number
  readonly budget?: Budget
}

/** What the value, or the ratio, must keep to. */
export interface Budget {
  readonly of: 'value' | 'ratio'
  readonly atLeast?: number
  readonly atMost?: number
}

export interface Report {
  figure(figure: Figure): void
  /** What is being done, for people who wait. */
  progress(text: string): void
}

export type Bench = (report: Report) => Promise<void>

export function isMet({ value, ratio = Number.NaN, budget }: Figure): boolean {
  if (budget === undefined) return true
  const measured = budget.of === 'ratio' ? ratio : value
  return measured >= (budget.atLeast ?? -Infinity) && measured <= (budget.atMost ?? Infinity)
}

export function budgetText({ unit, budget }: Figure): string {
  if (budget === undefined) return ''
  const [sign, limit] = budget.atLeast === undefined ? ['<=', budget.atMost] : ['>=', budget.atLeast]
  return budget.of === 'ratio' ? `${sign} ${limit}x` : `${sign} ${limit} ${unit}`
}

/** Three significant digits. */
export const rounded = (value: number): number => Number(value.toPrecision(3))

export function asJson(figure: Figure): string {
  const { name, value, unit, against = null, ratio } = figure
  return JSON.stringify({
    name,
    value: rounded(value),
    unit,
    against,
    ratio: ratio === undefined ? null : rounded(ratio),
    budget: budgetText(figure) || null,
  })
}

export function asTable(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.name,
    `${rounded(figure.value)} ${figure.unit}`,
    figure.against ?? '',
    figure.ratio === undefined ? '' : `${rounded(figure.ratio)}x`,
    budgetText(figure),
    figure.budget === undefined ? '' : isMet(figure) ? 'met' : 'MISSED',
  ])
  const lines = [['figure', 'value', 'against', 'ratio', 'budget', ''], ...rows]
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
