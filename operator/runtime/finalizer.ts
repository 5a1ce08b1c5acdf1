/** Lists of finalizers as they go into a patch. The same list comes back when there is nothing to change. */

export const hasFinalizer = (list: readonly string[] | undefined, finalizer: string): boolean =>
  list?.includes(finalizer) ?? false

export const withFinalizer = (list: readonly string[] | undefined, finalizer: string): readonly string[] =>
  list === undefined ? [finalizer] : list.includes(finalizer) ? list : [...list, finalizer]

export const withoutFinalizer = (list: readonly string[] | undefined, finalizer: string): readonly string[] =>
  list === undefined ? [] : list.includes(finalizer) ? list.filter((one) => one !== finalizer) : list
