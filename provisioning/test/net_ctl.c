/*
 * net_ctl.c - drives net.c from a shell test.
 *
 *	net_ctl apply ID MAC IP4|- IP6|- KBIT_IN KBIT_OUT
 *	net_ctl remove ID | list | counters ID
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"

static void set(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", strcmp(from, "-") ? from : "");
}

static int apply(char **a, struct err *err)
{
	struct vif_rules r = {
		.id = strtoull(a[0], NULL, 10),
		.rate_kbit_in = strtoull(a[4], NULL, 10),
		.rate_kbit_out = strtoull(a[5], NULL, 10),
	};

	net_vif_name(r.vifname, r.id);
	set(r.mac, sizeof(r.mac), a[1]);
	set(r.ipv4, sizeof(r.ipv4), a[2]);
	set(r.ipv6, sizeof(r.ipv6), a[3]);
	return net_vif_apply(&r, err);
}

static int list(struct err *err)
{
	uint64_t *ids;
	size_t count;
	int rc = net_list(&ids, &count, err);

	for (size_t i = 0; i < count; i++) {
		printf("%" PRIu64 "\n", ids[i]);
	}
	free(ids);
	return rc;
}

static int counters(uint64_t id, struct err *err)
{
	uint64_t rx, tx;
	int rc = net_counters(id, &rx, &tx, err);

	printf("%" PRIu64 " %" PRIu64 "\n", rx, tx);
	return rc;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	struct err err = {""};
	int rc = 2;

	if (argc == 8 && !strcmp(verb, "apply")) {
		rc = apply(argv + 2, &err);
	} else if (argc == 3 && !strcmp(verb, "remove")) {
		rc = net_vif_remove(strtoull(argv[2], NULL, 10), &err);
	} else if (argc == 3 && !strcmp(verb, "counters")) {
		rc = counters(strtoull(argv[2], NULL, 10), &err);
	} else if (argc == 2 && !strcmp(verb, "list")) {
		rc = list(&err);
	}
	if (rc) {
		fprintf(stderr, "net_ctl %s: %d %s\n", verb, rc, err.text);
	}
	return rc ? 1 : 0;
}
