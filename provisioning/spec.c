/*
 * spec.c - the table of verbs (see spec.h).
 */
#include "spec.h"

#include <errno.h>
#include <string.h>

#define POS(n, t, h)	{ .name = n, .type = t, .required = true, \
			  .positional = true, .help = h }
#define OPTPOS(n, t, h)	{ .name = n, .type = t, .positional = true, .help = h }
#define REQ(n, t, h)	{ .name = n, .type = t, .required = true, .help = h }
#define OPT(n, t, h)	{ .name = n, .type = t, .help = h }
#define NUM(n, lo, hi, h) \
	{ .name = n, .type = SPEC_COUNT, .min = lo, .max = hi, .help = h }
#define REQNUM(n, t, lo, hi, h) \
	{ .name = n, .type = t, .required = true, .min = lo, .max = hi, \
	  .help = h }
#define CHOICE(n, c, h) \
	{ .name = n, .type = SPEC_CHOICE, .choices = c, .help = h }
#define RATE(n, h) \
	{ .name = n, .type = SPEC_RATE, .max = 100000000, .help = h }

#define BOOT(h)	CHOICE("boot", "template|own-kernel", h)
#define WAIT_ARGS \
	OPT("no-wait", SPEC_SWITCH, "return once it is under way"), \
	NUM("timeout", 1, 86400, "seconds to wait (exit 124 when over)")

/* A domain of 4 TiB or a disk of 1 PiB is a typing error on such hosts. */
#define RAM_MAX		(4ull << 20)
#define DISK_MAX	(1ull << 30)

const struct spec_verb spec_verbs[] = {
	{ "customer add", "add a customer", true, {
		POS("name", SPEC_NAME, "the customer's name"),
		OPT("external-id", SPEC_TEXT, "its number in your billing"),
	} },
	{ "customer list", "list customers", false, { { .name = NULL } } },
	{ "customer show", "show a customer", false, {
		POS("name", SPEC_REF, "customer"),
	} },
	{ "customer remove", "remove a customer without VPSs", true, {
		POS("name", SPEC_REF, "customer"),
	} },
	{ "plan add", "add a plan", true, {
		POS("name", SPEC_NAME, "the plan's name"),
		REQNUM("vcpus", SPEC_COUNT, 1, 128, "virtual CPUs"),
		REQNUM("ram", SPEC_SIZE, 16, RAM_MAX, "memory, MiB or 512M 2G"),
		REQNUM("disk", SPEC_SIZE, 8, DISK_MAX, "disk, MiB or 20G"),
		NUM("weight", 1, 65535, "CPU share (default 256)"),
		NUM("cap", 0, 12800, "most CPU, % of one CPU; 0 = no cap"),
		RATE("rate-in", "to the guest, kbit/s or 100M; 0 = no limit"),
		RATE("rate-out", "from the guest, likewise"),
	} },
	{ "plan list", "list plans", false, { { .name = NULL } } },
	{ "plan show", "show a plan", false, {
		POS("name", SPEC_REF, "plan"),
	} },
	{ "plan remove", "remove a plan no VPS has", true, {
		POS("name", SPEC_REF, "plan"),
	} },
	{ "pool add", "add a pool of addresses", true, {
		POS("name", SPEC_NAME, "the pool's name"),
		REQ("range", SPEC_RANGE, "FIRST-LAST, both may be sold"),
		REQNUM("prefix", SPEC_COUNT, 1, 128, "length of the network"),
		REQ("gateway", SPEC_ADDR, "the guests' gateway"),
		OPT("dns", SPEC_ADDRS, "name servers, comma-separated"),
		OPT("reserve", SPEC_ADDRS, "addresses never to be sold"),
	} },
	{ "pool list", "list pools", false, { { .name = NULL } } },
	{ "pool show", "show a pool and who has its addresses", false, {
		POS("name", SPEC_REF, "pool"),
	} },
	{ "pool remove", "remove a pool no VPS uses", true, {
		POS("name", SPEC_REF, "pool"),
	} },
	{ "template import", "import NAME-VERSION.tar.zst", true, {
		POS("file", SPEC_PATH, "the package"),
	} },
	{ "template list", "list templates", false, { { .name = NULL } } },
	{ "template show", "show a template", false, {
		POS("name", SPEC_REF, "template"),
		OPT("version", SPEC_VERSION, "default: the newest"),
	} },
	{ "template remove", "remove a template no VPS uses", true, {
		POS("name", SPEC_REF, "template"),
		OPT("version", SPEC_VERSION, "default: the only one"),
	} },
	{ "create", "sell a VPS: make it, start it, wait for SSH", true, {
		POS("name", SPEC_NAME, "its name and hostname"),
		REQ("customer", SPEC_REF, "who buys it"),
		REQ("plan", SPEC_REF, "what was bought"),
		REQ("template", SPEC_REF, "what it starts from"),
		REQ("key", SPEC_KEYS, "file with SSH public keys"),
		OPT("version", SPEC_VERSION, "template version (newest)"),
		OPT("pool", SPEC_REF, "take the address from this pool"),
		BOOT("whose kernel (the template's)"),
		OPT("request-id", SPEC_TOKEN, "repeating it changes nothing"),
		WAIT_ARGS,
	} },
	{ "list", "list VPSs", false, {
		OPT("customer", SPEC_REF, "only this customer's"),
	} },
	{ "show", "show a VPS", false, {
		POS("name", SPEC_REF, "VPS"),
	} },
	{ "start", "start a VPS", true, {
		POS("name", SPEC_REF, "VPS"),
		BOOT("from now on, whose kernel"),
		WAIT_ARGS,
	} },
	{ "stop", "shut a VPS down", true, {
		POS("name", SPEC_REF, "VPS"),
		OPT("force", SPEC_SWITCH, "pull the plug"),
		WAIT_ARGS,
	} },
	{ "reboot", "shut a VPS down and start it again", true, {
		POS("name", SPEC_REF, "VPS"),
		OPT("force", SPEC_SWITCH, "pull the plug"),
		WAIT_ARGS,
	} },
	{ "destroy", "destroy a VPS and its disk for ever", true, {
		POS("name", SPEC_REF, "VPS"),
		OPT("yes", SPEC_SWITCH, "needed on a terminal"),
		WAIT_ARGS,
	} },
	{ "resize", "give a stopped VPS another plan", true, {
		POS("name", SPEC_REF, "VPS"),
		REQ("plan", SPEC_REF, "the new plan; no smaller disk"),
	} },
	{ "console", "open the console (leave with Ctrl-])", false, {
		POS("name", SPEC_REF, "VPS"),
	} },
	{ "events", "what has happened", false, {
		OPTPOS("name", SPEC_TEXT, "only this VPS (also one gone)"),
		NUM("limit", 1, 100000, "newest N (default 50)"),
	} },
	{ "usage", "the hour running now, per VPS", false, {
		OPTPOS("name", SPEC_REF, "only this VPS"),
	} },
	{ "host", "CPU, memory and disk: total, sold, free", false,
		{ { .name = NULL } } },
	{ "host init", "prepare a blank disk for state and guests", true, {
		POS("disk", SPEC_PATH, "the disk"),
		OPTPOS("again", SPEC_TEXT, "path again, or its serial number"),
	} },
	{ "host upgrade", "take another image from the next start on", true, {
		POS("image", SPEC_PATH, "Serai's ISO, a file or a device"),
	} },
	{ "host rollback", "take the image before it again", true,
		{ { .name = NULL } } },
	{ "hook list", "deliveries to billing hooks", false, {
		CHOICE("state", "pending|delivered|dead",
		       "default: pending and dead"),
		NUM("limit", 1, 100000, "newest N (default 50)"),
	} },
	{ "hook records", "stored event records, one a line, for replaying", false, {
		NUM("after", 0, 1ull << 53, "only records after this number"),
		NUM("limit", 1, 1000, "records in each answer (default 500)"),
	} },
	{ "hook retry", "give a dead delivery another chance", true, {
		OPTPOS("id", SPEC_COUNT, "delivery"),
		OPT("all", SPEC_SWITCH, "every dead one"),
	} },
	{ .name = NULL },
};

const struct spec_verb *spec_find(const char *name)
{
	for (const struct spec_verb *v = spec_verbs; v->name; v++) {
		if (strcmp(v->name, name) == 0) {
			return v;
		}
	}
	return NULL;
}

int spec_arg_index(const struct spec_verb *verb, const char *name)
{
	for (int i = 0; i < SPEC_ARGS_MAX && verb->args[i].name; i++) {
		if (strcmp(verb->args[i].name, name) == 0) {
			return i;
		}
	}
	return -ENOENT;
}
