/*
 * net.c - sets, removes and reads the rules of VPS network interfaces.
 *
 * State, all in RAM, so that a reboot of the host starts clean and vpsd makes
 * it anew from its database:
 *
 *	/run/serai/vif/vpsN.tc    shaping, for tc -batch
 *	/run/serai/vif/vpsN.rate  netback's own limit ("" = none)
 *	/run/serai/vif/vpsN.nft   anti-spoofing, for nft -f; written last: its
 *	                          presence is what the hotplug script asks for
 *	/run/serai/vif/vpsN.path  xenstore path of the live backend (script's)
 *	nftables table netdev serai (see net_rules.c)
 *
 * Chains are bound to an interface and can only be loaded once it exists: the
 * hotplug script vif-serai does it before attaching the interface to the
 * bridge, on every start of the guest.  When the interface exists already
 * (a plan was changed, vpsd was restarted) net_vif_apply() loads them at once.
 *
 * No locks: nft transactions are atomic, files are renamed into place.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net.h"
#include "net_rules.h"
#include "tool.h"

#define RUN_DIR	 "/run/serai"
#define VIF_DIR	 RUN_DIR "/vif"
#define PATH_LEN 96
/* What the egress hook counts and the ingress hook does not. */
#define ETHER_HEADER 14

void net_vif_name(char name[16], uint64_t id)
{
	/* 12 digits fit an interface name; no host sells that many. */
	snprintf(name, 16, "vps%" PRIu64, id % UINT64_C(1000000000000));
}

static void vif_file(char path[PATH_LEN], uint64_t id, const char *suffix)
{
	char name[16];

	net_vif_name(name, id);
	snprintf(path, PATH_LEN, VIF_DIR "/%s.%s", name, suffix);
}

static bool vif_exists(uint64_t id)
{
	char name[16], path[PATH_LEN];

	net_vif_name(name, id);
	snprintf(path, sizeof(path), "/sys/class/net/%s", name);
	return access(path, F_OK) == 0;
}

static int make_dirs(struct err *err)
{
	if ((mkdir(RUN_DIR, 0755) && errno != EEXIST) ||
	    (mkdir(VIF_DIR, 0755) && errno != EEXIST)) {
		return err_set(err, -errno, "cannot make " VIF_DIR ": %s",
			       strerror(errno));
	}
	return 0;
}

static int write_file(uint64_t id, const char *suffix, const char *text,
		      struct err *err)
{
	char path[PATH_LEN], temp[PATH_LEN + 8];
	size_t len = strlen(text);
	ssize_t n;
	int fd, rc = 0;

	vif_file(path, id, suffix);
	snprintf(temp, sizeof(temp), "%s.tmp", path);
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0) {
		return err_set(err, -errno, "%s: %s", temp, strerror(errno));
	}
	n = write(fd, text, len);
	if (n < 0 || (size_t)n != len) {
		rc = n < 0 ? -errno : -ENOSPC;
	}
	if (close(fd) && !rc) {
		rc = -errno;
	}
	if (!rc && rename(temp, path)) {
		rc = -errno;
	}
	if (rc) {
		unlink(temp);
		return err_set(err, rc, "%s: %s", path, strerror(-rc));
	}
	return 0;
}

/* First line of a state file into @out; false when there is none. */
static bool read_line(uint64_t id, const char *suffix, char *out, size_t size)
{
	char path[PATH_LEN];
	FILE *f;
	bool ok;

	vif_file(path, id, suffix);
	f = fopen(path, "re");
	if (!f) {
		return false;
	}
	ok = fgets(out, (int)size, f) != NULL;
	fclose(f);
	if (ok) {
		out[strcspn(out, "\n")] = '\0';
	}
	return ok;
}

static int run_nft(const char *script, char *out, size_t size, struct err *err)
{
	const char *const argv[] = {"nft", "-f", "-", NULL};
	const struct tool tool = {
		.argv = argv, .input = script,
		.output = out, .output_size = size, .timeout_s = 30,
	};

	return tool_must(&tool, err);
}

static int load_live(uint64_t id, const char *nft, const char *tc,
		     const char *rate, struct err *err)
{
	const char *const tc_argv[] = {"tc", "-batch", "-", NULL};
	const struct tool shape = {
		.argv = tc_argv, .input = tc, .timeout_s = 30,
	};
	char backend[256], key[300];
	int rc = run_nft(nft, NULL, 0, err);

	if (!rc) {
		rc = tool_must(&shape, err);
	}
	/* netback watches this key, so a running guest follows at once. */
	if (!rc && rate[0] && read_line(id, "path", backend, sizeof(backend))) {
		const char *const argv[] = {"xenstore-write", key, rate, NULL};
		const struct tool write = {.argv = argv, .timeout_s = 10};

		snprintf(key, sizeof(key), "%s/rate", backend);
		rc = tool_must(&write, err);
	}
	return rc;
}

int net_vif_apply(const struct vif_rules *rules, struct err *err)
{
	char nft[NET_RULES_MAX], tc[NET_RULES_MAX], rate[48];
	int rc = net_rules_format(rules, nft, tc, err);

	if (rc) {
		return rc;
	}
	net_rules_netback_rate(rules, rate);
	rc = make_dirs(err);
	if (!rc) {
		rc = write_file(rules->id, "tc", tc, err);
	}
	if (!rc) {
		rc = write_file(rules->id, "rate", rate, err);
	}
	if (!rc) {
		rc = write_file(rules->id, "nft", nft, err);
	}
	if (!rc && vif_exists(rules->id)) {
		rc = load_live(rules->id, nft, tc, rate, err);
	}
	return rc;
}

/*
 * Chains vanish with their interface, counters only when told to.  Each "add"
 * makes the "delete" after it succeed whether or not the object was there.
 */
static int remove_objects(uint64_t id, struct err *err)
{
	static const char *const chains[] = {"in", "out", "ip6", "pass"};
	static const char *const counters[] = {"rx", "tx", "bad"};
	char name[16], script[2048];
	size_t at;

	net_vif_name(name, id);
	at = (size_t)snprintf(script, sizeof(script), "add table netdev serai\n");
	for (size_t i = 0; i < 4; i++) {
		at += (size_t)snprintf(script + at, sizeof(script) - at,
				       "add chain netdev serai %s_%s\n"
				       "flush chain netdev serai %s_%s\n",
				       name, chains[i], name, chains[i]);
	}
	for (size_t i = 0; i < 4; i++) {
		at += (size_t)snprintf(script + at, sizeof(script) - at,
				       "delete chain netdev serai %s_%s\n",
				       name, chains[i]);
	}
	for (size_t i = 0; i < 3; i++) {
		at += (size_t)snprintf(script + at, sizeof(script) - at,
				       "add counter netdev serai %s_%s\n"
				       "delete counter netdev serai %s_%s\n",
				       name, counters[i], name, counters[i]);
	}
	return run_nft(script, NULL, 0, err);
}

int net_vif_remove(uint64_t id, struct err *err)
{
	static const char *const suffixes[] = {"tc", "rate", "path", "nft"};
	char path[PATH_LEN];
	bool known;
	int rc = 0;

	vif_file(path, id, "nft");
	known = access(path, F_OK) == 0;
	/*
	 * An interface that still exists must not be left without a filter:
	 * take it from the bridge first.  (Its domain is on its way out.)
	 */
	if (vif_exists(id)) {
		char name[16];
		const char *const argv[] = {"ip", "link", "set", "dev", name,
					    "down", "nomaster", NULL};
		const struct tool down = {.argv = argv, .timeout_s = 10};

		net_vif_name(name, id);
		rc = tool_must(&down, err);
		if (rc && !vif_exists(id)) {
			rc = 0;
		}
		known = true;
	}
	if (!rc && known) {
		rc = remove_objects(id, err);
	}
	/* The .nft file goes last: until then a second attempt finds it. */
	for (size_t i = 0; i < 4 && !rc; i++) {
		vif_file(path, id, suffixes[i]);
		if (unlink(path) && errno != ENOENT) {
			rc = err_set(err, -errno, "%s: %s", path,
				     strerror(errno));
		}
	}
	return rc;
}

/* "vps12.nft" -> 12; 0 for anything else. */
static uint64_t id_of_file(const char *name)
{
	char again[32], vif[16];
	uint64_t id;

	if (strncmp(name, "vps", 3) || name[3] < '1' || name[3] > '9') {
		return 0;
	}
	id = strtoull(name + 3, NULL, 10);
	net_vif_name(vif, id);
	snprintf(again, sizeof(again), "%s.nft", vif);
	return strcmp(again, name) ? 0 : id;
}

int net_list(uint64_t **ids, size_t *count, struct err *err)
{
	DIR *dir = opendir(VIF_DIR);
	struct dirent *entry;
	size_t room = 0;
	uint64_t id, *more;

	*ids = NULL;
	*count = 0;
	if (!dir) {
		return errno == ENOENT ? 0
				       : err_set(err, -errno, VIF_DIR ": %s",
						 strerror(errno));
	}
	while ((entry = readdir(dir))) {
		id = id_of_file(entry->d_name);
		if (!id) {
			continue;
		}
		if (*count == room) {
			room = room ? room * 2 : 16;
			more = realloc(*ids, room * sizeof(**ids));
			if (!more) {
				free(*ids);
				*ids = NULL;
				*count = 0;
				closedir(dir);
				return err_set(err, -ENOMEM, "no memory");
			}
			*ids = more;
		}
		(*ids)[(*count)++] = id;
	}
	closedir(dir);
	return 0;
}

/* "packets P bytes B" after counter @name in nft's listing. */
static bool find_counter(const char *text, const char *name, uint64_t *packets,
			 uint64_t *bytes)
{
	char head[40];
	const char *at;

	snprintf(head, sizeof(head), "counter %s {", name);
	at = strstr(text, head);
	if (!at) {
		return false;
	}
	return sscanf(at + strlen(head), " packets %" SCNu64 " bytes %" SCNu64,
		      packets, bytes) == 2;
}

int net_counters(uint64_t id, uint64_t *rx, uint64_t *tx, struct err *err)
{
	char name[16], key[24], script[256], out[1024], path[PATH_LEN];
	uint64_t packets, bytes;

	*rx = 0;
	*tx = 0;
	vif_file(path, id, "nft");
	if (access(path, F_OK)) {
		return err_set(err, -ENOENT, "no network rules for vps%" PRIu64,
			       id);
	}
	net_vif_name(name, id);
	/* Adding makes listing succeed before the guest's first start. */
	snprintf(script, sizeof(script),
		 "add table netdev serai\n"
		 "add counter netdev serai %s_rx\n"
		 "add counter netdev serai %s_tx\n"
		 "list counter netdev serai %s_rx\n"
		 "list counter netdev serai %s_tx\n",
		 name, name, name, name);
	if (run_nft(script, out, sizeof(out), err)) {
		return -EIO;
	}
	snprintf(key, sizeof(key), "%s_rx", name);
	if (!find_counter(out, key, &packets, &bytes)) {
		return err_set(err, -EIO, "nft does not list counter %s", key);
	}
	*rx = bytes - ETHER_HEADER * packets;
	snprintf(key, sizeof(key), "%s_tx", name);
	if (!find_counter(out, key, &packets, &bytes)) {
		return err_set(err, -EIO, "nft does not list counter %s", key);
	}
	*tx = bytes;
	return 0;
}
