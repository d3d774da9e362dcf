/*
 * disk_ctl.c - drives disk.h from a shell test.
 *
 *	disk_ctl STATE VG|- VERB ARGS...
 *
 * Verbs: probe, import FILE, load|boot|template-remove NAME VERSION,
 * create ID NAME VERSION MIB, customize ID HOSTNAME USER KEYS,
 * grow ID MIB, remove|path ID, list, stale, capacity, manifest FILE.
 * Failure prints "ENAME text" on standard error and exits 1.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk.h"

static struct disk_backend be;
static struct err err;

static uint64_t number(const char *s)
{
	return strtoull(s, NULL, 10);
}

static void print_template(const struct disk_template *t)
{
	printf("%s %s %s %" PRIu64 " %" PRIu64 " %d\n", t->name, t->version,
	       t->default_user, t->min_disk_mib, t->min_ram_mib,
	       t->has_initrd);
}

static int do_probe(char **a)
{
	(void)a;
	puts(be.kind == DISK_LVM ? "lvm" : "file");
	return 0;
}

static int do_import(char **a)
{
	struct disk_template tpl;
	int rc = disk_template_import(&be, a[0], &tpl, &err);

	if (!rc) {
		print_template(&tpl);
	}
	return rc;
}

static int do_load(char **a)
{
	struct disk_template tpl;
	int rc = disk_template_load(&be, a[0], a[1], &tpl, &err);

	if (!rc) {
		print_template(&tpl);
	}
	return rc;
}

static int do_boot(char **a)
{
	char kernel[DISK_PATH_MAX], initrd[DISK_PATH_MAX];
	int rc = disk_template_boot(&be, a[0], a[1], kernel, initrd, &err);

	if (!rc) {
		printf("%s %s\n", kernel, initrd);
	}
	return rc;
}

static int do_template_remove(char **a)
{
	return disk_template_remove(&be, a[0], a[1], &err);
}

static int do_create(char **a)
{
	return disk_create(&be, number(a[0]), a[1], a[2], number(a[3]), &err);
}

static int do_customize(char **a)
{
	struct guest_config cfg = {
		.mac = "00:16:3e:00:00:01",
		.address4 = "10.0.2.50", .prefix4 = 24, .gateway4 = "10.0.2.2",
		.address6 = "2001:db8::50", .prefix6 = 64,
		.gateway6 = "2001:db8::1", .dns = "10.0.2.3 2001:db8::3",
		.ssh_keys = a[3],
	};

	snprintf(cfg.hostname, sizeof(cfg.hostname), "%s", a[1]);
	snprintf(cfg.default_user, sizeof(cfg.default_user), "%s", a[2]);
	return disk_customize(&be, number(a[0]), &cfg, &err);
}

static int do_grow(char **a)
{
	return disk_grow(&be, number(a[0]), number(a[1]), &err);
}

static int do_remove(char **a)
{
	return disk_remove(&be, number(a[0]), &err);
}

static int do_path(char **a)
{
	char path[DISK_PATH_MAX];
	bool is_phy;
	int rc = disk_path(&be, number(a[0]), path, &is_phy, &err);

	if (!rc) {
		puts(path);
	}
	return rc;
}

static int do_list(char **a)
{
	struct disk_entry *e;
	size_t count;
	int rc = disk_list(&be, &e, &count, &err);

	(void)a;
	for (size_t i = 0; i < count; i++) {
		if (e[i].is_template) {
			printf("template %s %s %" PRIu64 "\n", e[i].name,
			       e[i].version, e[i].size_mib);
		} else {
			printf("vps %" PRIu64 " %" PRIu64 "\n", e[i].vps_id,
			       e[i].size_mib);
		}
	}
	free(e);
	return rc;
}

static int do_stale(char **a)
{
	(void)a;
	return disk_remove_stale(&be, &err);
}

static int do_capacity(char **a)
{
	uint64_t total, used, left;
	int rc = disk_capacity(&be, &total, &used, &left, &err);

	(void)a;
	if (!rc) {
		printf("%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", total, used,
		       left);
	}
	return rc;
}

static int do_manifest(char **a)
{
	static char text[100000];
	struct disk_template tpl;
	FILE *f = fopen(a[0], "r");
	size_t len = f ? fread(text, 1, sizeof(text), f) : 0;
	int rc = disk_manifest_parse(&tpl, text, len, &err);

	if (f) {
		fclose(f);
	}
	if (!rc) {
		print_template(&tpl);
	}
	return rc;
}

static const struct verb {
	const char *name;
	int args;
	int (*run)(char **args);
} verbs[] = {
	{"probe", 0, do_probe},
	{"import", 1, do_import},
	{"load", 2, do_load},
	{"boot", 2, do_boot},
	{"template-remove", 2, do_template_remove},
	{"create", 4, do_create},
	{"customize", 4, do_customize},
	{"grow", 2, do_grow},
	{"remove", 1, do_remove},
	{"path", 1, do_path},
	{"list", 0, do_list},
	{"stale", 0, do_stale},
	{"capacity", 0, do_capacity},
	{"manifest", 1, do_manifest},
};

static int run_verb(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (!strcmp(verbs[i].name, argv[3]) &&
		    verbs[i].args == argc - 4) {
			return verbs[i].run(argv + 4);
		}
	}
	fputs("usage: disk_ctl STATE VG|- VERB ARGS\n", stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	int rc;

	if (argc < 4) {
		return 2;
	}
	rc = disk_backend_probe(&be, argv[1],
				strcmp(argv[2], "-") ? argv[2] : NULL, &err);
	if (!rc) {
		rc = run_verb(argc, argv);
	}
	if (rc) {
		fprintf(stderr, "%s %s\n", strerrorname_np(-rc), err.text);
	}
	return rc ? 1 : 0;
}
