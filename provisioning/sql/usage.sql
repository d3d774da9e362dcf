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

-- name: usage_delete
DELETE FROM usage WHERE vps_id = ?1;
