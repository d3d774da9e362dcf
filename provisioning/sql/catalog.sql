-- Customers, plans, pools, templates.
-- Lists and shows share a statement: ?1 is NULL for all, or a name or id.

-- name: customer_id
SELECT id FROM customer WHERE name = ?1 OR CAST(id AS TEXT) = ?1;

-- name: customer_insert
INSERT INTO customer (name, external_id, created_at) VALUES (?1, ?2, ?3);

-- name: customer_delete
DELETE FROM customer WHERE id = ?1;

-- name: customer_vps_count
SELECT count(*) FROM vps WHERE customer_id = ?1;

-- name: customer_json
SELECT c.id, c.name, c.external_id, c.created_at,
	(SELECT count(*) FROM vps WHERE customer_id = c.id) AS vps
FROM customer c
WHERE ?1 IS NULL OR c.name = ?1 OR CAST(c.id AS TEXT) = ?1
ORDER BY c.name;

-- name: plan_id
SELECT id FROM plan WHERE name = ?1 OR CAST(id AS TEXT) = ?1;

-- name: plan_get
SELECT id, name, vcpus, weight, cap, ram_mib, disk_mib, rate_in_kbit,
	rate_out_kbit
FROM plan WHERE name = ?1 OR CAST(id AS TEXT) = ?1;

-- name: plan_insert
INSERT INTO plan (name, vcpus, weight, cap, ram_mib, disk_mib, rate_in_kbit,
	rate_out_kbit, created_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9);

-- name: plan_delete
DELETE FROM plan WHERE id = ?1;

-- name: plan_vps_count
SELECT count(*) FROM vps WHERE plan_id = ?1;

-- name: plan_json
SELECT p.id, p.name, p.vcpus, p.weight, p.cap, p.ram_mib, p.disk_mib,
	p.rate_in_kbit, p.rate_out_kbit, p.created_at,
	(SELECT count(*) FROM vps WHERE plan_id = p.id) AS vps
FROM plan p
WHERE ?1 IS NULL OR p.name = ?1 OR CAST(p.id AS TEXT) = ?1
ORDER BY p.ram_mib, p.name;

-- name: pool_id
SELECT id FROM pool WHERE name = ?1 OR CAST(id AS TEXT) = ?1;

-- name: pool_insert
INSERT INTO pool (name, family, first, last, prefix, gateway, dns, created_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8);

-- name: pool_reserve
INSERT OR IGNORE INTO pool_reserved (address, pool_id) VALUES (?1, ?2);

-- name: pool_overlap
SELECT name, addr_text(first), addr_text(last) FROM pool
WHERE first <= ?2 AND last >= ?1;

-- name: pool_delete
DELETE FROM pool WHERE id = ?1;

-- name: pool_vps_count
SELECT count(*) FROM address WHERE pool_id = ?1;

-- Pools to take an address of family ?1 from; ?2 is NULL or the one wanted.
-- name: pool_candidates
SELECT id, name, first, last FROM pool
WHERE family = ?1 AND (?2 IS NULL OR name = ?2 OR CAST(id AS TEXT) = ?2)
ORDER BY id;

-- name: pool_family
SELECT family FROM pool WHERE name = ?1 OR CAST(id AS TEXT) = ?1;

-- Everything in a pool that is not free, in order.
-- name: pool_taken
SELECT address FROM address WHERE pool_id = ?1
UNION SELECT address FROM pool_reserved WHERE pool_id = ?1
UNION SELECT gateway FROM pool WHERE id = ?1
ORDER BY 1;

-- name: pool_json
SELECT p.id, p.name, p.family, addr_text(p.first) AS first,
	addr_text(p.last) AS last, p.prefix, addr_text(p.gateway) AS gateway,
	p.dns, p.created_at,
	addr_count(p.first, p.last) AS size,
	(SELECT count(*) FROM pool_reserved WHERE pool_id = p.id)
		+ (p.gateway BETWEEN p.first AND p.last
		   AND NOT EXISTS (SELECT 1 FROM pool_reserved r
			WHERE r.address = p.gateway)) AS reserved,
	(SELECT count(*) FROM address WHERE pool_id = p.id) AS sold
FROM pool p
WHERE ?1 IS NULL OR p.name = ?1 OR CAST(p.id AS TEXT) = ?1
ORDER BY p.name;

-- name: pool_addresses_json
SELECT addr_text(a.address) AS address, v.name AS vps
FROM address a JOIN vps v ON v.id = a.vps_id
JOIN pool p ON p.id = a.pool_id
WHERE p.name = ?1 OR CAST(p.id AS TEXT) = ?1
ORDER BY a.address;

-- The newest version, unless ?2 names one.
-- name: template_get
SELECT id, name, version, min_disk_mib, min_ram_mib, own_kernel
FROM template
WHERE (name = ?1 OR CAST(id AS TEXT) = ?1)
	AND (?2 IS NULL OR version = ?2) AND phase = 'ready'
ORDER BY id DESC LIMIT 1;

-- name: template_versions
SELECT count(*) FROM template
WHERE (name = ?1 OR CAST(id AS TEXT) = ?1)
	AND (?2 IS NULL OR version = ?2) AND phase = 'ready';

-- name: template_insert
INSERT INTO template (name, version, description, min_disk_mib, min_ram_mib,
	default_user, cmdline, own_kernel, phase, created_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'ready', ?9);

-- name: template_exists
SELECT 1 FROM template WHERE name = ?1 AND version = ?2;

-- name: template_name_exists
SELECT 1 FROM template WHERE name = ?1;

-- name: template_remove
UPDATE template SET phase = 'removing' WHERE id = ?1;

-- name: template_delete
DELETE FROM template WHERE name = ?1 AND version = ?2;

-- name: template_vps_count
SELECT count(*) FROM vps WHERE template_id = ?1;

-- name: template_removing
SELECT name, version FROM template WHERE phase = 'removing' LIMIT 1;

-- name: template_json
SELECT t.id, t.name, t.version, t.description, t.min_disk_mib, t.min_ram_mib,
	t.default_user, t.own_kernel, t.phase, t.created_at,
	(SELECT count(*) FROM vps WHERE template_id = t.id) AS vps
FROM template t
WHERE (?1 IS NULL OR t.name = ?1 OR CAST(t.id AS TEXT) = ?1)
	AND (?2 IS NULL OR t.version = ?2)
ORDER BY t.name, t.id;
