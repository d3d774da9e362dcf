/*
 * net.h - what a VPS's network interface may do.
 *
 * Interface names are "vps<ID>"; the bridge is br0.  Rules exist by name
 * before the interface does: the hotplug script /usr/lib/serai/vif-serai
 * attaches a vif to the bridge only after finding the rules for its name, so
 * anti-spoofing holds from before the first packet.  Counters belong to the
 * rules and survive the guest's reboots; net_vif_apply() on existing rules
 * replaces addresses and rates and keeps the counters.
 *
 * Who may call: the privileged process only.  All calls are idempotent.
 * Errors: 0 or -errno with a line in @err; -ENOENT no rules for that id.
 */
#ifndef SERAI_NET_H
#define SERAI_NET_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define NET_BRIDGE	"br0"

/* Everything is text that was checked by spec.c and is checked again here. */
struct vif_rules {
	uint64_t id;
	char vifname[16];	/* "vps<ID>" */
	char mac[18];		/* "00:16:3e:xx:xx:xx" */
	char ipv4[16];		/* "" when none: then no IPv4 at all passes */
	char ipv6[46];		/* "" when none; link-local from mac allowed */
	uint64_t rate_kbit_in;	/* to the guest; 0 = unlimited */
	uint64_t rate_kbit_out;	/* from the guest; 0 = unlimited */
};

/** Write "vps<ID>" into @name. */
void net_vif_name(char name[16], uint64_t id);

/** Set rules, counters and rates of a vif, whether or not it exists yet. */
int net_vif_apply(const struct vif_rules *rules, struct err *err);

/** Remove everything net_vif_apply() made.  Gone already is success. */
int net_vif_remove(uint64_t id, struct err *err);

/** Ids that have rules; *ids is malloc()ed, free() it. */
int net_list(uint64_t **ids, size_t *count, struct err *err);

/** Bytes to (@rx) and from (@tx) the guest since net_vif_apply() made them. */
int net_counters(uint64_t id, uint64_t *rx, uint64_t *tx, struct err *err);

#endif
