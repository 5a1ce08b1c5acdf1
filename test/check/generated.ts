import { eventSchema } from './event-schema.ts'
import { renderEventsPage } from './events-page.ts'
import { renderMetricsPage } from './metrics-page.ts'
import { eventSchemaFile, eventsPage, generatedFile, kindsFolder, metricsPage } from './places.ts'
import { readKinds } from './schema.ts'
import { renderKinds } from './types.ts'

/** A file that is written from others: `npm run generate` writes it, `npm run check` compares. */
export interface Generated {
  readonly file: string
  /** what it is made of, for messages */
  readonly from: string
  readonly text: string
}

export const generated = (): readonly Generated[] => [
  { file: generatedFile, from: 'crds/*.yaml', text: renderKinds(readKinds(kindsFolder)) },
  {
    file: eventSchemaFile,
    from: 'test/check/event-schema.ts and the bounds in operator/api/parse-event.ts',
    text: `${JSON.stringify(eventSchema, null, 2)}\n`,
  },
  {
    file: eventsPage,
    from: 'test/check/events-page.ts, operator/core/event and operator/api/parse-event.ts',
    text: renderEventsPage(),
  },
  {
    file: metricsPage,
    from: 'test/check/metrics-page.ts, operator/event-metrics.ts and operator/runtime/metrics.ts',
    text: renderMetricsPage(),
  },
]
