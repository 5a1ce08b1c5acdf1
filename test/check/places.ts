import { fileURLToPath } from 'node:url'

const place = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))

export const kindsFolder = place('crds')
export const generatedFile = place('operator/api/kinds.generated.ts')
export const eventSchemaFile = place('docs/schemas/event.json')
export const metricsPage = place('docs/metrics.md')
export const eventsPage = place('docs/events.md')
