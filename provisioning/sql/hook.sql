-- The outbox: events fanned out to hooks, and what came of it.

-- ?1 is a JSON array of hook names.
-- name: hook_fan_out
INSERT OR IGNORE INTO hook_delivery (event_id, hook, vps_id, seq)
SELECT e.id, h.value, e.vps_id, e.seq
FROM hook_event e, json_each(?1) h
WHERE e.fanned_out = 0
ORDER BY e.id, h.value;

-- name: hook_fanned_out
UPDATE hook_event SET fanned_out = 1 WHERE fanned_out = 0;

-- name: hook_any_new
SELECT 1 FROM hook_event WHERE fanned_out = 0 LIMIT 1;

-- ?1 hook, ?2 now, ?3 latest time that makes sense, ?4 how many
-- name: hook_due
SELECT d.id, d.vps_id, d.attempts, e.uuid, e.type, e.payload
FROM hook_delivery d JOIN hook_event e ON e.id = d.event_id
WHERE d.hook = ?1 AND d.state = 'pending'
	AND (d.next_attempt_at <= ?2 OR d.next_attempt_at > ?3)
	AND NOT EXISTS (SELECT 1 FROM hook_delivery p
		WHERE p.hook = d.hook AND p.vps_id = d.vps_id
			AND p.seq < d.seq AND p.state = 'pending')
ORDER BY d.next_attempt_at, d.id
LIMIT ?4;

-- name: hook_delivered
UPDATE hook_delivery SET state = 'delivered', attempts = attempts + 1,
	last_error = ''
WHERE id = ?1 AND state = 'pending';

-- name: hook_failed
UPDATE hook_delivery SET attempts = attempts + 1, last_error = ?2,
	next_attempt_at = ?3, state = ?4
WHERE id = ?1 AND state = 'pending';

-- Not without a limit: a big backlog must not hold the write lock for long.
-- name: hook_prune
DELETE FROM hook_event WHERE id IN (
	SELECT e.id FROM hook_event e
	WHERE e.created_at < ?1 AND e.fanned_out = 1
		AND NOT EXISTS (SELECT 1 FROM hook_delivery d
			WHERE d.event_id = e.id AND d.state <> 'delivered')
	ORDER BY e.id LIMIT 1000);

-- The newest ?2 of state ?1, or of pending and dead ones.
-- name: hook_list_json
SELECT * FROM (
	SELECT d.id, d.hook, d.state, d.attempts, d.next_attempt_at,
		d.last_error, e.uuid AS event_id, e.type, e.created_at,
		d.vps_id, json_extract(e.payload, '$.vps.name') AS vps, d.seq
	FROM hook_delivery d JOIN hook_event e ON e.id = d.event_id
	WHERE d.state IN (ifnull(?1, 'pending'), ifnull(?1, 'dead'))
	ORDER BY d.id DESC LIMIT ?2)
ORDER BY id;

-- Page by page: ?1 the last id seen, ?2 how many.
-- name: hook_records_json
SELECT id, payload AS record FROM hook_event
WHERE id > ?1 ORDER BY id LIMIT ?2;

-- Both: ?1 id, or 0 for all dead ones.
-- name: hook_retry_count
SELECT count(*) FROM hook_delivery
WHERE CASE ?1 WHEN 0 THEN state = 'dead'
	ELSE id = ?1 AND state <> 'delivered' END;

-- name: hook_retry
UPDATE hook_delivery SET state = 'pending', next_attempt_at = 0,
	attempts = CASE state WHEN 'dead' THEN 0 ELSE attempts END
WHERE CASE ?1 WHEN 0 THEN state = 'dead'
	ELSE id = ?1 AND state <> 'delivered' END;
