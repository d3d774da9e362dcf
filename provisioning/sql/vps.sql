-- VPSs, their addresses, their events.

-- name: vps_id
SELECT id FROM vps WHERE name = ?1 OR CAST(id AS TEXT) = ?1;

-- name: vps_name_taken
SELECT 1 FROM vps WHERE name = ?1;

-- name: vps_ids
SELECT id FROM vps ORDER BY id;

-- The highest that was ever given, also to VPSs that are gone.
-- name: vps_last_id
SELECT seq FROM sqlite_sequence WHERE name = 'vps';

-- name: vps_get
SELECT v.id, v.uuid, v.name, v.vcpus, v.weight, v.cap, v.ram_mib, v.disk_mib,
	v.rate_in_kbit, v.rate_out_kbit, v.mac, v.desired, v.phase, v.domid,
	v.ending, v.crash_count, v.crash_at, v.restart_at, v.last_error,
	t.name, t.version, t.cmdline, t.default_user,
	v.boot = 'own-kernel'
FROM vps v JOIN template t ON t.id = v.template_id
WHERE v.id = ?1;

-- name: vps_keys
SELECT ssh_keys FROM vps WHERE id = ?1;

-- name: vps_addresses
SELECT p.family, addr_text(a.address), p.prefix, addr_text(p.gateway), p.dns
FROM address a JOIN pool p ON p.id = a.pool_id
WHERE a.vps_id = ?1;

-- name: vps_insert
INSERT INTO vps (uuid, name, customer_id, plan_id, template_id, vcpus, weight,
	cap, ram_mib, disk_mib, rate_in_kbit, rate_out_kbit, mac, ssh_keys,
	boot, desired, phase, created_at)
VALUES ('', ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,
	?14, 'running', 'new', ?15);

-- name: vps_set_uuid
UPDATE vps SET uuid = ?2 WHERE id = ?1;

-- name: mac_taken
SELECT 1 FROM vps WHERE mac = ?1;

-- name: address_insert
INSERT INTO address (address, pool_id, vps_id) VALUES (?1, ?2, ?3);

-- What all VPSs were sold, except ?1 (a VPS about to change its plan).
-- name: vps_sold
SELECT count(*), ifnull(sum(vcpus), 0), ifnull(sum(ram_mib), 0),
	ifnull(sum(disk_mib), 0)
FROM vps WHERE id <> ?1;

-- name: request_get
SELECT r.digest, r.vps_id, r.vps_name,
	EXISTS (SELECT 1 FROM vps WHERE id = r.vps_id)
FROM request r WHERE r.request_id = ?1;

-- name: request_insert
INSERT INTO request (request_id, digest, vps_id, vps_name, created_at)
VALUES (?1, ?2, ?3, ?4, ?5);

-- name: request_delete
DELETE FROM request WHERE vps_id = ?1;

-- name: vps_set_phase
UPDATE vps SET phase = ?2, last_error = '' WHERE id = ?1;

-- name: vps_set_desired
UPDATE vps SET desired = ?2, restart_at = 0, crash_count = 0, last_error = ''
WHERE id = ?1;

-- name: vps_set_started
UPDATE vps SET domid = ?2, phase = 'sold', ending = '', restart_at = 0,
	last_error = ''
WHERE id = ?1;

-- name: vps_set_ending
UPDATE vps SET ending = ?2 WHERE id = ?1;

-- name: vps_set_stopped_by_guest
UPDATE vps SET desired = 'stopped' WHERE id = ?1;

-- name: vps_set_gone
UPDATE vps SET domid = 0, ending = '' WHERE id = ?1;

-- name: vps_set_crash
UPDATE vps SET crash_count = ?2, crash_at = ?3, restart_at = ?4,
	last_error = ?5
WHERE id = ?1;

-- name: vps_set_retry
UPDATE vps SET restart_at = ?2, last_error = ?3 WHERE id = ?1;

-- name: vps_set_plan
UPDATE vps SET plan_id = ?2, vcpus = ?3, weight = ?4, cap = ?5, ram_mib = ?6,
	disk_mib = ?7, rate_in_kbit = ?8, rate_out_kbit = ?9
WHERE id = ?1;

-- name: vps_set_boot
UPDATE vps SET boot = ?2 WHERE id = ?1;

-- name: vps_delete
DELETE FROM vps WHERE id = ?1;

-- name: vps_with_domain
SELECT id FROM vps WHERE domid <> 0;

-- name: vps_template
SELECT t.min_disk_mib, t.min_ram_mib, t.name, t.own_kernel FROM template t
JOIN vps v ON v.template_id = t.id WHERE v.id = ?1;

-- name: vps_json
SELECT v.id, v.name,
	CASE
	WHEN v.desired = 'absent' THEN 'removing'
	WHEN v.phase <> 'sold' THEN 'creating'
	WHEN v.ending = 'reboot' THEN 'rebooting'
	WHEN v.domid <> 0 AND v.desired = 'stopped' THEN 'stopping'
	WHEN v.domid <> 0 THEN 'running'
	WHEN v.desired = 'stopped' THEN 'stopped'
	WHEN v.restart_at > 0 AND v.last_error <> '' THEN 'failed'
	ELSE 'starting' END AS status,
	p.name AS plan, v.vcpus, v.weight, v.cap, v.ram_mib, v.disk_mib,
	v.rate_in_kbit, v.rate_out_kbit,
	(SELECT addr_text(a.address) FROM address a
	 JOIN pool q ON q.id = a.pool_id
	 WHERE a.vps_id = v.id AND q.family = 4) AS ipv4,
	(SELECT addr_text(a.address) FROM address a
	 JOIN pool q ON q.id = a.pool_id
	 WHERE a.vps_id = v.id AND q.family = 6) AS ipv6,
	v.mac, c.name AS customer, c.external_id, t.name AS template,
	t.version AS template_version, t.default_user, v.boot, v.uuid, v.domid,
	v.crash_count, v.restart_at, v.last_error, v.created_at
FROM vps v
JOIN customer c ON c.id = v.customer_id
JOIN plan p ON p.id = v.plan_id
JOIN template t ON t.id = v.template_id
WHERE (?1 IS NULL OR v.name = ?1 OR CAST(v.id AS TEXT) = ?1)
	AND (?2 IS NULL OR c.name = ?2 OR CAST(c.id AS TEXT) = ?2)
ORDER BY v.name;

-- name: event_insert
INSERT INTO event (at, vps_id, vps_name, type, text)
SELECT ?2, v.id, v.name, ?3, ?4 FROM vps v WHERE v.id = ?1;

-- name: event_prune
DELETE FROM event WHERE id <= (SELECT max(id) FROM event) - 100000;

-- The newest ?2 events, oldest first.
-- name: event_json
SELECT * FROM (
	SELECT id, at, vps_id, vps_name AS vps, type, text FROM event
	WHERE ?1 IS NULL OR vps_name = ?1 OR CAST(vps_id AS TEXT) = ?1
	ORDER BY id DESC LIMIT ?2)
ORDER BY id;

-- name: hook_subject
SELECT v.uuid, v.name, p.name, c.name, c.external_id, t.name, v.vcpus,
	v.weight, v.cap, v.ram_mib, v.disk_mib, v.rate_in_kbit,
	v.rate_out_kbit, v.hook_seq
FROM vps v
JOIN customer c ON c.id = v.customer_id
JOIN plan p ON p.id = v.plan_id
JOIN template t ON t.id = v.template_id
WHERE v.id = ?1;

-- name: hook_seq_set
UPDATE vps SET hook_seq = ?2 WHERE id = ?1;

-- name: hook_event_insert
INSERT INTO hook_event (uuid, vps_id, seq, type, payload, created_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6);
