/** Of an Environment: with a value that was not there before its graph is built anew. */
export const rebuildAnnotation = 'usekarma.dev/rebuild-graph'
