/*
 * What Karma uses of the package `gremlin`, which ships no types. Seen in 3.8.2; steps that Neptune lacks are left out.
 */
declare module 'gremlin' {
  /** A token such as `t.id`, which is not the text `id`. */
  export interface EnumValue {
    readonly typeName: string
    readonly elementName: string
  }
  /** A predicate. */
  export interface P {
    readonly operator: string
  }
  export interface Bytecode {
    readonly sourceInstructions: readonly unknown[]
    readonly stepInstructions: readonly unknown[]
  }
  export interface Graph {
    traversal(): Spawning
  }

  type Key = string | EnumValue

  /** What begins a traversal, also one within another (`statics`). */
  export interface Spawning {
    V(...ids: readonly unknown[]): GraphTraversal
    E(...ids: readonly unknown[]): GraphTraversal
    inject(...values: readonly unknown[]): GraphTraversal
    mergeV(match: ReadonlyMap<unknown, unknown>): GraphTraversal
    mergeE(match: ReadonlyMap<unknown, unknown>): GraphTraversal
  }

  export interface Steps {
    has(key: Key, value?: unknown): GraphTraversal
    hasId(...ids: readonly unknown[]): GraphTraversal
    hasLabel(...labels: readonly string[]): GraphTraversal
    hasNot(key: string): GraphTraversal
    property(cardinality: EnumValue, key: Key, value: unknown): GraphTraversal
    property(key: Key, value: unknown): GraphTraversal
    option(when: EnumValue, then: ReadonlyMap<unknown, unknown>): GraphTraversal
    sideEffect(traversal: GraphTraversal): GraphTraversal
    drop(): GraphTraversal
    id(): GraphTraversal
    label(): GraphTraversal
    values(...keys: readonly string[]): GraphTraversal
    elementMap(...keys: readonly string[]): GraphTraversal
    valueMap(...keys: readonly string[]): GraphTraversal
    project(...names: readonly string[]): GraphTraversal
    by(how?: Key | GraphTraversal, order?: EnumValue): GraphTraversal
    count(): GraphTraversal
    sum(): GraphTraversal
    max(): GraphTraversal
    fold(): GraphTraversal
    unfold(): GraphTraversal
    limit(most: number): GraphTraversal
    range(from: number, to: number): GraphTraversal
    order(): GraphTraversal
    dedup(): GraphTraversal
    path(): GraphTraversal
    constant(value: unknown): GraphTraversal
    identity(): GraphTraversal
    in_(...labels: readonly string[]): GraphTraversal
    out(...labels: readonly string[]): GraphTraversal
    inE(...labels: readonly string[]): GraphTraversal
    outE(...labels: readonly string[]): GraphTraversal
    inV(): GraphTraversal
    outV(): GraphTraversal
    repeat(traversal: GraphTraversal): GraphTraversal
    emit(): GraphTraversal
    times(most: number): GraphTraversal
    until(traversal: GraphTraversal): GraphTraversal
    where(traversal: GraphTraversal): GraphTraversal
    not(traversal: GraphTraversal): GraphTraversal
    or(...traversals: readonly GraphTraversal[]): GraphTraversal
    and(...traversals: readonly GraphTraversal[]): GraphTraversal
    coalesce(...traversals: readonly GraphTraversal[]): GraphTraversal
    union(...traversals: readonly GraphTraversal[]): GraphTraversal
    as(...names: readonly string[]): GraphTraversal
    select(...names: readonly string[]): GraphTraversal
    is(value: unknown): GraphTraversal
  }

  export interface GraphTraversal extends Spawning, Steps {
    getBytecode(): Bytecode
  }

  /** A mime type's half: how a request becomes bytes. */
  export interface Writer {
    writeRequest(request: { readonly requestId: string }): Uint8Array
  }
  export interface Response {
    /** null: the server could not read whose answer this is */
    readonly requestId: string | null
    readonly status: { readonly code: number; readonly message?: string | null; readonly attributes?: unknown }
    readonly result: { readonly data?: unknown }
  }
  export interface Reader {
    readResponse(bytes: unknown): Response
  }

  export interface ClientOptions {
    readonly traversalSource?: string
    readonly headers?: Record<string, string>
    readonly agent?: import('node:http').Agent
    readonly reader?: Reader
    readonly writer?: Writer
  }

  export interface Client {
    /** Opens the connection when it is not open. */
    submit(
      traversal: Bytecode,
      bindings: null,
      options: { readonly requestId: string; readonly evaluationTimeout: number },
    ): Promise<{ toArray(): readonly unknown[] }>
    close(): Promise<void>
    addListener(event: 'close', listener: (code: number) => void): void
    addListener(event: 'socketError', listener: (error: unknown) => void): void
    /** not part of its interface; see driver.ts */
    readonly _connection?: { readonly _ws?: import('node:events').EventEmitter | null }
  }

  type Comparison = (value: unknown) => P

  const gremlin: {
    readonly driver: { readonly Client: new (url: string, options?: ClientOptions) => Client }
    readonly process: {
      readonly t: Record<'id' | 'key' | 'label' | 'value', EnumValue>
      readonly merge: Record<'onCreate' | 'onMatch' | 'outV' | 'inV', EnumValue>
      readonly cardinality: Record<'single' | 'set' | 'list', EnumValue>
      readonly direction: Record<'from_' | 'to' | 'in' | 'out' | 'both', EnumValue>
      readonly order: Record<'asc' | 'desc', EnumValue>
      readonly P: Record<'eq' | 'neq' | 'lt' | 'lte' | 'gt' | 'gte', Comparison> &
        Record<'within' | 'without', (...values: readonly unknown[]) => P>
      readonly statics: Spawning & Steps
      readonly Traverser: new (object: unknown, bulk: number) => { readonly object: unknown; readonly bulk: unknown }
    }
    readonly structure: { readonly Graph: new () => Graph }
  }
  export default gremlin
}

/** The default format of 3.8, by which driver.ts reads and writes under supervision. */
declare module 'gremlin/lib/structure/io/binary/GraphBinary.js' {
  const graphBinary: {
    readonly graphBinaryReader: import('gremlin').Reader
    readonly graphBinaryWriter: import('gremlin').Writer
  }
  export default graphBinary
}
