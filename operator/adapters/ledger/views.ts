/*
 * The questions of core/event/views.ts in SQL, as migrations make them: what one has made is never edited afterwards. A row
 * may stand twice until parts are merged, so nothing is counted by rows: an aggregate is one that a repetition does not change (min, max, argMax, groupUniqArray,
 * uniqExact), or it is over what such an aggregate has brought down to one row. `since` is told when a view is asked.
 * What ends in `_ms` is milliseconds; what is not known is NULL.
 */

const create = (name: string, select: string): string => `CREATE OR REPLACE VIEW karma.${name} AS\n${select}`

const since = `{since: DateTime64(3, 'UTC')}`
/** Order within an entity; the id makes it one and the same however rows come. */
const order = '(ts, seq, id)'
const millisecondsBetween = (from: string, to: string): string =>
  `toFloat64(toUnixTimestamp64Milli(${to}) - toUnixTimestamp64Milli(${from}))`
/** of each element and the one after it; the last has none after it */
const pairs = (story: string, each: string): string =>
  `arrayMap((one, after) -> ${each}, arrayPopBack(${story}), arrayPopFront(${story}))`

const ended = `event_type IN ('change.applied', 'change.rejected', 'change.failed', 'change.cancelled',
        'change.expired', 'change.superseded')
        OR (event_type = 'change.rolled-back' AND JSONExtractString(attrs, 'rollback') = '')`

/** One row for each ChangeRequest. A later request that undoes one says so on it by `change.rolled-back` with `rollback`. */
const changes = `SELECT
  correlation_id, namespace, name AS change, component, environment, first_at, requested_at, applied_at,
  requested_by, why, affected, nearest, undone, waiting, queued, queue_wait_ms,
  multiIf(last_end != '', replaceOne(last_end, 'change.', ''), mode = 'Plan' AND planned, 'planned', 'open') AS outcome
FROM (
  SELECT
    entity_id, correlation_id,
    any(tags['namespace']) AS namespace, any(tags['name']) AS name, any(tags['component']) AS component,
    argMaxIf(tags['environment'], ${order}, tags['environment'] != '') AS environment,
    min(ts) AS first_at,
    minOrNullIf(ts, event_type = 'change.requested') AS requested_at,
    minOrNullIf(ts, event_type = 'change.applied') AS applied_at,
    argMaxIf(JSONExtractString(attrs, 'mode'), ${order}, event_type = 'change.requested') AS mode,
    argMaxIf(JSONExtractString(attrs, 'requestReason'), ${order}, event_type = 'change.requested') AS why,
    argMaxIf(JSONExtractString(attrs, 'requestedBy', 'username'), ${order}, event_type = 'change.requested')
      AS requested_by,
    maxIf(1, event_type = 'change.planned') = 1 AS planned,
    maxIf(1, event_type = 'change.rolled-back' AND JSONExtractString(attrs, 'rollback') != '') = 1 AS undone,
    argMaxIf(event_type, ${order}, ${ended}) AS last_end,
    argMaxIf(toNullable(JSONExtractUInt(attrs, 'affected')), ${order}, JSONHas(attrs, 'affected')) AS affected,
    argMaxIf(JSONExtract(attrs, 'nearest', 'Array(String)'), ${order}, JSONHas(attrs, 'nearest')) AS nearest,
    arraySort(groupUniqArray((ts, seq, id, event_type))) AS story,
    story[-1].4 = 'change.queued' AS waiting,
    arrayExists(one -> one.4 = 'change.queued', story) AS queued,
    arraySum(${pairs('story', `if(one.4 = 'change.queued', ${millisecondsBetween('one.1', 'after.1')}, 0)`)})
      AS queue_wait_ms
  FROM karma.events
  WHERE tags['kind'] = 'ChangeRequest' AND startsWith(event_type, 'change.')
  GROUP BY entity_id, correlation_id
)`

const outcomes = `SELECT
  namespace, environment, toUInt32(count()) AS changes,
  toUInt32(countIf(outcome = 'applied')) AS applied, toUInt32(countIf(outcome = 'applied' AND undone)) AS undone,
  toUInt32(countIf(outcome = 'rejected')) AS rejected, toUInt32(countIf(outcome = 'failed')) AS failed,
  toUInt32(countIf(outcome = 'rolled-back')) AS rolled_back, toUInt32(countIf(outcome = 'cancelled')) AS cancelled,
  toUInt32(countIf(outcome = 'expired')) AS expired, toUInt32(countIf(outcome = 'superseded')) AS superseded,
  toUInt32(countIf(outcome = 'planned')) AS planned, toUInt32(countIf(outcome = 'open')) AS open
FROM karma.changes WHERE first_at >= ${since} GROUP BY namespace, environment`

const leadTime = `SELECT
  namespace, environment, toUInt32(count()) AS applied,
  quantileExact(0.5)(lead_ms) AS p50_ms, quantileExact(0.9)(lead_ms) AS p90_ms,
  quantileExact(0.99)(lead_ms) AS p99_ms, max(lead_ms) AS longest_ms
FROM (
  SELECT namespace, environment,
    ${millisecondsBetween('assumeNotNull(requested_at)', 'assumeNotNull(applied_at)')} AS lead_ms
  FROM karma.changes
  WHERE first_at >= ${since} AND requested_at IS NOT NULL AND applied_at IS NOT NULL
)
GROUP BY namespace, environment`

/** How long those still wait that do is not known here: a view has no clock that a recount could share. */
const queueWait = `SELECT
  namespace, environment, toUInt32(count()) AS changes, toUInt32(countIf(one.waiting)) AS waiting,
  quantileExactOrNullIf(0.5)(queue_wait_ms, NOT one.waiting) AS p50_ms,
  quantileExactOrNullIf(0.9)(queue_wait_ms, NOT one.waiting) AS p90_ms,
  maxOrNullIf(queue_wait_ms, NOT one.waiting) AS longest_ms
FROM karma.changes AS one WHERE first_at >= ${since} AND queued GROUP BY namespace, environment`

/** `waited`: what sums up the times. */
const blockedWith = (waited: string): string => `SELECT
  namespace, environment, block.1 AS reason, block.2 AS blocker, component,
  toUInt32(uniqExact(correlation_id)) AS changes, toUInt32(uniqExactIf(correlation_id, is_last)) AS waiting,
  ${waited} AS waited_ms
FROM (
  SELECT correlation_id, namespace, environment, component,
    arrayJoin(arrayZip(story, arrayPushBack(${pairs('story', millisecondsBetween('one.1', 'after.1'))}, -1))) AS step,
    step.2 = -1 AS is_last, if(is_last, 0, step.2) AS wait_ms,
    arrayJoin(arrayDistinct(JSONExtract(step.1.4, 'Array(Tuple(reason String, object String))'))) AS block
  FROM (
    SELECT correlation_id,
      any(tags['namespace']) AS namespace, any(tags['component']) AS component,
      argMaxIf(tags['environment'], ${order}, tags['environment'] != '') AS environment,
      arraySort(groupUniqArray((ts, seq, id,
        if(event_type IN ('change.queued', 'change.awaiting-approval'), JSONExtractRaw(attrs, 'blockedBy'), '')))) AS story
    FROM karma.events
    WHERE tags['kind'] = 'ChangeRequest' AND startsWith(event_type, 'change.')
    GROUP BY entity_id, correlation_id
    HAVING min(ts) >= ${since}
  )
)
GROUP BY namespace, environment, reason, blocker, component`

const affected = `SELECT
  first_at AS requested_at, namespace, environment, change, component, outcome, requested_by,
  toUInt32(assumeNotNull(affected)) AS affected, nearest
FROM karma.changes AS one WHERE first_at >= ${since} AND one.affected IS NOT NULL`

const actionEnds = `event_type IN ('action.succeeded', 'action.failed', 'action.timed-out', 'action.cancelled')`

/** An action may be tried several times; it stands where its last event left it. */
const actions = `SELECT
  namespace, environment, action, toUInt32(count()) AS requests,
  toUInt32(countIf(last = 'action.succeeded')) AS succeeded, toUInt32(countIf(last = 'action.failed')) AS failed,
  toUInt32(countIf(last = 'action.timed-out')) AS timed_out, toUInt32(countIf(last = 'action.cancelled')) AS cancelled,
  toUInt32(requests - succeeded - failed - timed_out - cancelled) AS running,
  toUInt32(sum(tried)) AS attempts,
  quantileExactOrNullArray(0.5)(durations) AS p50_ms, quantileExactOrNullArray(0.9)(durations) AS p90_ms,
  maxOrNullArray(durations) AS longest_ms
FROM (
  SELECT entity_id, correlation_id,
    any(of_namespace) AS namespace, argMaxIf(of_environment, of_last, of_environment != '') AS environment,
    argMaxIf(of_action, of_last, of_action != '') AS action,
    argMax(attempt_last, of_last) AS last, countIf(was_tried) AS tried,
    groupArrayIf(assumeNotNull(duration_ms), duration_ms IS NOT NULL) AS durations
  FROM (
    SELECT entity_id, correlation_id, JSONExtractUInt(attrs, 'attempt') AS attempt,
      any(tags['namespace']) AS of_namespace,
      argMaxIf(tags['environment'], ${order}, tags['environment'] != '') AS of_environment,
      argMaxIf(JSONExtractString(attrs, 'action'), ${order}, JSONHas(attrs, 'action')) AS of_action,
      min(ts) AS of_first, max(${order}) AS of_last, argMax(event_type, ${order}) AS attempt_last,
      maxIf(1, event_type != 'action.requested') = 1 AS was_tried,
      minOrNullIf(ts, event_type = 'action.started') AS began, minOrNullIf(ts, ${actionEnds}) AS ended,
      if(began IS NULL OR ended IS NULL, NULL,
        ${millisecondsBetween('assumeNotNull(began)', 'assumeNotNull(ended)')}) AS duration_ms
    FROM karma.events
    WHERE startsWith(event_type, 'action.')
    GROUP BY entity_id, correlation_id, attempt
  )
  GROUP BY entity_id, correlation_id
  HAVING min(of_first) >= ${since}
)
GROUP BY namespace, environment, action`

/** Whom a creation is owed to is not in the events: nobody asked for it by a ChangeRequest. */
const timeline = `SELECT
  ts AS at, namespace, environment, substring(entity_id, length(namespace) + 2) AS component,
  replaceOne(event_type, 'component.', '') AS event, JSONExtract(attrs, 'version', 'Nullable(UInt64)') AS version,
  JSONExtractString(attrs, 'revision') AS revision, requested_by AS by, JSONExtractString(attrs, 'request') AS change,
  why, JSONExtractString(attrs, 'message') AS message
FROM (
  SELECT id, ts, entity_id, event_type, correlation_id, attrs,
    tags['namespace'] AS namespace, tags['environment'] AS environment
  FROM karma.events
  WHERE tags['kind'] = 'Component' AND startsWith(event_type, 'component.') AND ts >= ${since}
  LIMIT 1 BY id
) AS event
LEFT ANY JOIN (SELECT correlation_id, requested_by, why FROM karma.changes) AS change USING (correlation_id)`

/** Names of dependents are full here: `namespace/type/nickname`. */
const invalidations = `SELECT
  namespace, environment, component,
  if(length(splitByChar('/', one)) = 2, concat(namespace, '/', one), one) AS dependent,
  toUInt32(count()) AS changes, max(assumeNotNull(applied_at)) AS last_at
FROM (
  SELECT namespace, environment, component, applied_at, arrayJoin(arrayDistinct(nearest)) AS one
  FROM karma.changes WHERE first_at >= ${since} AND applied_at IS NOT NULL
)
GROUP BY namespace, environment, component, dependent`

/** What the Components are called that were never refused, and those that were before they were committed. */
const firstCommitsWith = (never: string, before: string): string => `SELECT
  namespace, environment, type, toUInt32(count()) AS components,
  toUInt32(countIf(committed AND blocks = 0)) AS ${never}, toUInt32(countIf(committed AND blocks > 0)) AS ${before},
  toUInt32(countIf(NOT committed)) AS not_committed,
  arraySort(groupUniqArrayArray(reasons)) AS reasons
FROM (
  SELECT entity_id,
    any(tags['namespace']) AS namespace, any(tags['environment']) AS environment, any(tags['type']) AS type,
    maxIf(1, event_type = 'component.committed') = 1 AS committed,
    minIf((ts, seq, id), event_type = 'component.committed') AS first_commit,
    arrayFilter(one -> NOT committed OR (one.1, one.2, one.3) < first_commit,
      groupUniqArrayIf((ts, seq, id, JSONExtractString(attrs, 'reason')), event_type = 'component.blocked')) AS before,
    length(before) AS blocks, arrayMap(one -> one.4, before) AS reasons
  FROM karma.events
  WHERE tags['kind'] = 'Component' AND event_type IN ('component.committed', 'component.blocked')
  GROUP BY entity_id
  HAVING min(ts) >= ${since}
)
GROUP BY namespace, environment, type`

/** A Component that leaves differs no more. */
const drift = `SELECT
  namespace, environment, toUInt32(count()) AS components, toUInt32(sum(found)) AS drifts,
  toUInt32(countIf(is_now)) AS drifted_now,
  quantileExactOrNullArray(0.5)(durations) AS p50_ms, maxOrNullArray(durations) AS longest_ms
FROM (
  SELECT entity_id,
    any(tags['namespace']) AS namespace, any(tags['environment']) AS environment,
    arraySort(groupUniqArray((ts, seq, id, event_type))) AS story,
    arrayCount(one -> one.4 = 'component.drifted', story) AS found, story[-1].4 = 'component.drifted' AS is_now,
    arrayFilter(ms -> ms >= 0, ${pairs('story', `if(one.4 = 'component.drifted', ${millisecondsBetween('one.1', 'after.1')}, -1)`)})
      AS durations
  FROM karma.events
  WHERE tags['kind'] = 'Component' AND ts >= ${since}
    AND event_type IN ('component.drifted', 'component.converged', 'component.removed')
  GROUP BY entity_id
)
WHERE found > 0
GROUP BY namespace, environment`

/** Migration 3. */
export const viewStatements: readonly string[] = [
  create('changes', changes),
  create('outcomes', outcomes),
  create('lead_time', leadTime),
  create('queue_wait', queueWait),
  create('blocked', blockedWith('sum(wait_ms)')),
  create('affected', affected),
  create('actions', actions),
  create('timeline', timeline),
  create('invalidations', invalidations),
  create('first_commits', firstCommitsWith('at_once', 'held_back')),
  create('drift', drift),
]

/**
 * Migration 5. How long somebody waits who still does is not known (a view has no clock that a recount could share), and is
 * not 0; who waits for others, for their outputs say, is not refused, but has not passed at once either.
 */
export const clearerViews: readonly string[] = [
  create('blocked', blockedWith('sumOrNullIf(wait_ms, NOT is_last)')),
  create('first_commits', firstCommitsWith('never_refused', 'refused_before')),
]
