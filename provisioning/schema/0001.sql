-- Schema 1.  Times are seconds since 1970, sizes MiB, rates kbit/s.
-- PRAGMA user_version counts migrations; vpsd applies them in order.
-- Run inside one transaction by vpsd.

CREATE TABLE customer (
	id		INTEGER PRIMARY KEY AUTOINCREMENT,
	name		TEXT NOT NULL UNIQUE,
	external_id	TEXT NOT NULL DEFAULT '',
	created_at	INTEGER NOT NULL
) STRICT;

CREATE TABLE plan (
	id		INTEGER PRIMARY KEY AUTOINCREMENT,
	name		TEXT NOT NULL UNIQUE,
	vcpus		INTEGER NOT NULL CHECK (vcpus BETWEEN 1 AND 128),
	weight		INTEGER NOT NULL CHECK (weight BETWEEN 1 AND 65535),
	cap		INTEGER NOT NULL CHECK (cap >= 0),	-- % of a CPU
	ram_mib		INTEGER NOT NULL CHECK (ram_mib > 0),
	disk_mib	INTEGER NOT NULL CHECK (disk_mib > 0),
	rate_in_kbit	INTEGER NOT NULL CHECK (rate_in_kbit >= 0),
	rate_out_kbit	INTEGER NOT NULL CHECK (rate_out_kbit >= 0),
	created_at	INTEGER NOT NULL
) STRICT;

-- Addresses are 16-byte blobs, IPv4 as ::ffff:a.b.c.d, so they compare.
CREATE TABLE pool (
	id		INTEGER PRIMARY KEY AUTOINCREMENT,
	name		TEXT NOT NULL UNIQUE,
	family		INTEGER NOT NULL CHECK (family IN (4, 6)),
	first		BLOB NOT NULL CHECK (length(first) = 16),
	last		BLOB NOT NULL CHECK (length(last) = 16),
	prefix		INTEGER NOT NULL,
	gateway		BLOB NOT NULL CHECK (length(gateway) = 16),
	dns		TEXT NOT NULL DEFAULT '',
	created_at	INTEGER NOT NULL,
	CHECK (first <= last)
) STRICT;

CREATE TABLE pool_reserved (
	address		BLOB PRIMARY KEY CHECK (length(address) = 16),
	pool_id		INTEGER NOT NULL REFERENCES pool ON DELETE CASCADE
) STRICT;

-- phase: ready -> removing -> (row gone); a row is made after the import.
CREATE TABLE template (
	id		INTEGER PRIMARY KEY AUTOINCREMENT,
	name		TEXT NOT NULL,
	version		TEXT NOT NULL,
	description	TEXT NOT NULL,
	min_disk_mib	INTEGER NOT NULL,
	min_ram_mib	INTEGER NOT NULL,
	default_user	TEXT NOT NULL,
	cmdline		TEXT NOT NULL,
	phase		TEXT NOT NULL CHECK (phase IN ('ready', 'removing')),
	created_at	INTEGER NOT NULL,
	UNIQUE (name, version)
) STRICT;

-- What was sold is copied from the plan, so that changing or removing a
-- plan never changes a VPS behind the customer's back.
-- phase says what has been done for good (see vm.h):
--   new -> disk -> ready -> sold; desired 'absent' leads to (row gone)
-- domid is the domain whose start was recorded, 0 when its end was; ending
-- says why that domain is about to go, written before it goes.
CREATE TABLE vps (
	id		INTEGER PRIMARY KEY AUTOINCREMENT,
	uuid		TEXT NOT NULL UNIQUE,
	name		TEXT NOT NULL UNIQUE,
	customer_id	INTEGER NOT NULL REFERENCES customer,
	plan_id		INTEGER NOT NULL REFERENCES plan,
	template_id	INTEGER NOT NULL REFERENCES template,
	vcpus		INTEGER NOT NULL,
	weight		INTEGER NOT NULL,
	cap		INTEGER NOT NULL,
	ram_mib		INTEGER NOT NULL,
	disk_mib	INTEGER NOT NULL,
	rate_in_kbit	INTEGER NOT NULL,
	rate_out_kbit	INTEGER NOT NULL,
	mac		TEXT NOT NULL UNIQUE,
	ssh_keys	TEXT NOT NULL,
	desired		TEXT NOT NULL
			CHECK (desired IN ('running', 'stopped', 'absent')),
	phase		TEXT NOT NULL
			CHECK (phase IN ('new', 'disk', 'ready', 'sold')),
	domid		INTEGER NOT NULL DEFAULT 0,
	ending		TEXT NOT NULL DEFAULT '' CHECK (ending IN ('', 'stop',
			'poweroff', 'reboot', 'crash')),
	crash_count	INTEGER NOT NULL DEFAULT 0,
	crash_at	INTEGER NOT NULL DEFAULT 0,
	restart_at	INTEGER NOT NULL DEFAULT 0,	-- back-off; 0 = now
	last_error	TEXT NOT NULL DEFAULT '',
	hook_seq	INTEGER NOT NULL DEFAULT 0,	-- last seq used
	created_at	INTEGER NOT NULL
) STRICT;

CREATE TABLE address (
	address		BLOB PRIMARY KEY CHECK (length(address) = 16),
	pool_id		INTEGER NOT NULL REFERENCES pool,
	vps_id		INTEGER NOT NULL REFERENCES vps ON DELETE CASCADE
) STRICT;
CREATE INDEX address_by_vps ON address (vps_id);

-- A create with a request id it has seen answers with the same VPS, even
-- after that VPS was destroyed (then: conflict).
CREATE TABLE request (
	request_id	TEXT PRIMARY KEY,
	digest		TEXT NOT NULL,	-- of what was asked, to spot misuse
	vps_id		INTEGER NOT NULL,
	vps_name	TEXT NOT NULL,
	created_at	INTEGER NOT NULL
) STRICT;

-- What the operator sees with `vps events`; outlives the VPS.
CREATE TABLE event (
	id		INTEGER PRIMARY KEY AUTOINCREMENT,
	at		INTEGER NOT NULL,
	vps_id		INTEGER NOT NULL,
	vps_name	TEXT NOT NULL,
	type		TEXT NOT NULL,
	text		TEXT NOT NULL
) STRICT;
CREATE INDEX event_by_vps ON event (vps_id, id);

-- The outbox (hook.h).  No foreign key to vps: events outlive it.
CREATE TABLE hook_event (
	id		INTEGER PRIMARY KEY AUTOINCREMENT,
	uuid		TEXT NOT NULL UNIQUE,
	vps_id		INTEGER NOT NULL,
	seq		INTEGER NOT NULL,	-- 1, 2, 3... per VPS
	type		TEXT NOT NULL CHECK (type IN ('created', 'started',
			'stopped', 'destroyed', 'crashed', 'plan_changed',
			'usage')),
	payload		TEXT NOT NULL,		-- the JSON object hooks get
	created_at	INTEGER NOT NULL,
	fanned_out	INTEGER NOT NULL DEFAULT 0,
	UNIQUE (vps_id, seq)
) STRICT;
CREATE INDEX hook_event_new ON hook_event (id) WHERE fanned_out = 0;

CREATE TABLE hook_delivery (
	id		INTEGER PRIMARY KEY AUTOINCREMENT,
	event_id	INTEGER NOT NULL REFERENCES hook_event
			ON DELETE CASCADE,
	hook		TEXT NOT NULL,		-- file name in STATE/hooks
	vps_id		INTEGER NOT NULL,	-- copied, for the order
	seq		INTEGER NOT NULL,
	attempts	INTEGER NOT NULL DEFAULT 0,
	next_attempt_at	INTEGER NOT NULL DEFAULT 0,
	state		TEXT NOT NULL DEFAULT 'pending'
			CHECK (state IN ('pending', 'delivered', 'dead')),
	last_error	TEXT NOT NULL DEFAULT '',
	UNIQUE (event_id, hook)
) STRICT;
CREATE INDEX hook_delivery_due ON hook_delivery (hook, vps_id, seq)
	WHERE state = 'pending';

-- Accumulated usage of the open period, and the last raw counters seen: see
-- usage.c.
CREATE TABLE usage (
	vps_id		INTEGER PRIMARY KEY REFERENCES vps ON DELETE CASCADE,
	hour_start	INTEGER NOT NULL,	-- start of the open period
	sampled_at	INTEGER NOT NULL,
	uptime		INTEGER NOT NULL,	-- of the host, at sampled_at
	domid		INTEGER NOT NULL,
	raw_cpu_ns	INTEGER NOT NULL,
	raw_rx		INTEGER NOT NULL,
	raw_tx		INTEGER NOT NULL,
	cpu_ns		INTEGER NOT NULL,	-- of the open period
	ram_mib_s	INTEGER NOT NULL,	-- MiB times seconds
	disk_mib_s	INTEGER NOT NULL,
	rx_bytes	INTEGER NOT NULL,
	tx_bytes	INTEGER NOT NULL
) STRICT;

-- boot_id: of the host's boot in which domid and usage.domid have meaning.
-- storage: lvm or files, where the disks of VPSs are.
CREATE TABLE setting (
	key		TEXT PRIMARY KEY,
	value		TEXT NOT NULL
) STRICT;
