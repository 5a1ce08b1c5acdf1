import fc from 'fast-check'
import type { Edge, GraphPatch, VertexState } from '../../../../operator/core/graph/vertex.ts'

/** Few ids and outputs, so that random edges meet: types a and b of one namespace. */
export const ids = ['a', 'b'].flatMap((type) => [1, 2, 3, 4, 5].map((n) => `dev/${type}/${n}`))
export const manyOutputs = Array.from({ length: 40 }, (_, n) => `o${n}`)

const outputsFrom = (names: readonly string[]) =>
  fc.option(fc.uniqueArray(fc.constantFrom(...names), { maxLength: 3 }), { nil: undefined, freq: 3 })

/** `outputs`: the names that edges draw from; more than 29 make sets wide. */
export const anyEdge = (outputs: readonly string[]): fc.Arbitrary<Edge> =>
  fc
    .record({
      name: fc.constantFrom('x', 'y', 'z'),
      to: fc.constantFrom(...ids),
      uses: outputsFrom(outputs),
      feeds: outputsFrom(outputs),
    })
    .map(({ name, to, uses, feeds }) => ({ name, to, ...(uses && { uses }), ...(feeds && { feeds }) }))

export const anyState = (outputs: readonly string[], maxEdges = 4): fc.Arbitrary<VertexState> =>
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc
        .record({
          id: fc.constantFrom(...ids),
          edges: fc.array(anyEdge(outputs), { maxLength: maxEdges }),
        })
        .map(({ id, edges }) => ({ id, type: id.split('/')[1]!, edges })),
    },
    { weight: 1, arbitrary: fc.constantFrom(...ids).map((id) => ({ id, removed: true as const })) },
  )

export const anyPatch = (outputs: readonly string[], maxLength = 6): fc.Arbitrary<GraphPatch> =>
  fc.array(anyState(outputs), { minLength: 1, maxLength })

/** A state for each id, so that searches go far. */
export const anyFullGraph = (outputs: readonly string[]): fc.Arbitrary<GraphPatch> =>
  fc.tuple(
    ...ids.map((id) =>
      fc
        .array(anyEdge(outputs), { maxLength: 3, size: 'max' })
        .map((edges): VertexState => ({ id, type: id.split('/')[1]!, edges })),
    ),
  )
