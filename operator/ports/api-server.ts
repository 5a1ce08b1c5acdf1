import type { Result } from '../api/result.ts'

/** An object as the API server gives it; only metadata is sure to be there. */
export interface Item {
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly resourceVersion?: string
    readonly deletionTimestamp?: string
    readonly finalizers?: readonly string[]
    readonly managedFields?: readonly { readonly manager?: string }[]
  }
  readonly [field: string]: unknown
}

export interface Page {
  readonly items: readonly Item[]
  /** on this page and those that follow, as far as the server knows */
  readonly total: number
}

export interface ListOptions {
  readonly query?: string
  /** nothing else is sent */
  readonly metadataOnly?: boolean
}

/** The API server, asked with the rights of a kubeconfig. Paths begin with /api or /apis. */
export interface ApiServer {
  /** its URL, for messages */
  readonly address: string
  get(path: string): Promise<Result<Item>>
  /** All pages; a failure is the last one. What is not served has no items. */
  pages(path: string, options?: ListOptions): AsyncIterable<Result<Page>>
  /** The first page. */
  list(path: string, options?: ListOptions): Promise<Result<Page>>
  create(path: string, body: object): Promise<Result<Item>>
  /** JSON merge patch */
  patch(path: string, body: object): Promise<Result<Item>>
  /** Success too when it is gone. */
  remove(path: string): Promise<Result<void>>
}
