-- Accumulated usage of each VPS's open period.

-- name: usage_get
SELECT hour_start, sampled_at, uptime, domid, raw_cpu_ns, raw_rx, raw_tx,
	cpu_ns, ram_mib_s, disk_mib_s, rx_bytes, tx_bytes
FROM usage WHERE vps_id = ?1;

-- name: usage_set
INSERT OR REPLACE INTO usage (vps_id, hour_start, sampled_at, uptime, domid,
	raw_cpu_ns, raw_rx, raw_tx, cpu_ns, ram_mib_s, disk_mib_s, rx_bytes,
	tx_bytes)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13);

-- The open period, for `vps usage`; ?1 a VPS's name or id, or NULL.
-- name: usage_json
SELECT v.name AS vps, u.hour_start AS period_start, u.sampled_at,
	u.cpu_ns / 1000000 / 1000.0 AS cpu_seconds,
	u.ram_mib_s / 3600.0 AS ram_mib_hours,
	u.disk_mib_s / 3600.0 AS disk_mib_hours,
	u.rx_bytes AS bytes_in, u.tx_bytes AS bytes_out
FROM usage u JOIN vps v ON v.id = u.vps_id
WHERE ?1 IS NULL OR v.name = ?1 OR CAST(v.id AS TEXT) = ?1
ORDER BY v.name;
