/*
 * cmdline.c - see cmdline.h.  A table: one row per option.
 *
 * Names and forms are those of genuine Xen wherever an option means the
 * same, so that an operator's boot entry works with either.
 */
#include "boot/cmdline.h"
#include "core/log.h"
#include "include/errno.h"
#include "lib/string.h"

#define DOM0_RESERVE_MAX   (128ull << 20)
#define DOM0_RESERVE_SHARE 16 /* of all memory */

struct option {
	const char *name;
	/* val is NULL when there was no '='; 0 or -EINVAL */
	int (*set)(struct options *o, const char *val);
};

void options_init(struct options *o)
{
	memset(o, 0, sizeof(*o));
	o->console_com1 = true;
	o->console_vga = true;
	o->com1_baud = 115200;
	o->com1_base = 0x3f8;
	o->loglvl = LOG_LEVEL_INFO;
	o->guest_loglvl = LOG_LEVEL_WARN;
}

/* Unsigned number, decimal or 0x...; *end behind it.  False: no digit. */
static bool number(const char *s, const char **end, uint64_t *out)
{
	unsigned int base = 10, digit;
	const char *first;
	uint64_t v = 0;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	}
	for (first = s;; s++) {
		if (*s >= '0' && *s <= '9') {
			digit = (unsigned int)(*s - '0');
		} else if (base == 16 && (*s | 32) >= 'a' && (*s | 32) <= 'f') {
			digit = (unsigned int)((*s | 32) - 'a') + 10;
		} else {
			break;
		}
		if (v > (UINT64_MAX - digit) / base) {
			return false;
		}
		v = v * base + digit;
	}
	*end = s;
	*out = v;
	return s != first;
}

static int whole_number(const char *s, uint64_t max, uint64_t *out)
{
	const char *end;

	if (!s || !number(s, &end, out) || *end || *out > max) {
		return -EINVAL;
	}
	return 0;
}

/* -1G, 512M; no suffix: kilobytes, as on genuine Xen. */
static int size(const char *s, const char **end, struct option_size *out)
{
	static const char units[] = "bkmgt";
	unsigned int shift = 10;
	const char *u;

	out->all_but = *s == '-';
	if (!number(s + out->all_but, end, &out->bytes)) {
		return -EINVAL;
	}
	u = **end ? strchr(units, **end | 32) : NULL;
	if (u && *u) {
		shift = (unsigned int)(u - units) * 10;
		(*end)++;
	}
	if (out->bytes > UINT64_MAX >> shift) {
		return -EINVAL;
	}
	out->bytes <<= shift;
	out->given = true;
	return 0;
}

static bool starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static int set_dom0_mem(struct options *o, const char *s)
{
	while (s && *s) {
		struct option_size *to = &o->dom0_mem;

		if (starts(s, "min:")) {
			to = &o->dom0_mem_min;
			s += 4;
		} else if (starts(s, "max:")) {
			to = &o->dom0_mem_max;
			s += 4;
		}
		if (size(s, &s, to) != 0 || (*s && *s != ',')) {
			return -EINVAL;
		}
		s += *s == ',';
		if (!*s) {
			return 0;
		}
	}
	return -EINVAL;
}

/* N, MIN-MAX, MIN-, -MAX */
static int set_dom0_max_vcpus(struct options *o, const char *s)
{
	uint64_t low = 0, high = 0;
	const char *end = s;
	bool has_low;

	if (!s) {
		return -EINVAL;
	}
	has_low = number(s, &end, &low);
	if (!has_low) {
		end = s;
	}
	high = low;
	if (*end == '-') {
		end++;
		high = 0;
		if (*end && !number(end, &end, &high)) {
			return -EINVAL;
		}
	} else if (!has_low) {
		return -EINVAL;
	}
	if (*end || low > MAX_VCPUS || high > MAX_VCPUS ||
	    (high && high < low)) {
		return -EINVAL;
	}
	o->dom0_vcpus_min = (unsigned int)low;
	o->dom0_vcpus_max = (unsigned int)high;
	return 0;
}

static int set_maxcpus(struct options *o, const char *s)
{
	uint64_t v;

	if (whole_number(s, MAX_CPUS, &v) != 0 || v == 0) {
		return -EINVAL;
	}
	o->max_cpus = (unsigned int)v;
	return 0;
}

static int set_nosmp(struct options *o, const char *s)
{
	if (s) {
		return -EINVAL;
	}
	o->max_cpus = 1;
	return 0;
}

/* Comma list of com1, vga, none. */
static int set_console(struct options *o, const char *s)
{
	o->console_com1 = o->console_vga = false;
	o->console_none = true;
	while (s && *s) {
		size_t n;

		for (n = 0; s[n] && s[n] != ','; n++) {
		}
		if (n == 4 && starts(s, "com1")) {
			o->console_com1 = true;
		} else if (n == 3 && starts(s, "vga")) {
			o->console_vga = true;
		} else if (!(n == 4 && starts(s, "none"))) {
			return -EINVAL;
		}
		s += n + (s[n] == ',');
	}
	o->console_none = !o->console_com1 && !o->console_vga;
	return s ? 0 : -EINVAL;
}

/* BAUD[,8n1[,PORT]]; BAUD may be auto: keep what the firmware set. */
static int set_com1(struct options *o, const char *s)
{
	uint64_t baud = 0, base = o->com1_base;

	if (!s) {
		return -EINVAL;
	}
	if (starts(s, "auto")) {
		s += 4;
	} else if (!number(s, &s, &baud) || baud == 0 || baud > 115200 ||
		   115200 % baud) {
		return -EINVAL;
	}
	if (*s == ',') {
		s++;
		if (starts(s, "8n1")) {
			s += 3;
		}
		if (*s == ',') {
			s++;
			if (!number(s, &s, &base) || base > 0xfff8) {
				return -EINVAL;
			}
		}
	}
	if (*s) {
		return -EINVAL;
	}
	o->com1_baud = (uint32_t)baud;
	o->com1_base = (uint16_t)base;
	return 0;
}

/* A level, or LOWER/UPPER as genuine Xen has it; the upper one counts. */
static int level(const char *s, int *out)
{
	static const char *const names[] = { "none", "error", "warning",
					     "info", "debug" };
	const char *slash = s ? strchr(s, '/') : NULL;
	unsigned int i;

	if (!s) {
		return -EINVAL;
	}
	if (slash) {
		s = slash + 1;
	}
	if (strcmp(s, "all") == 0) {
		*out = LOG_LEVEL_DEBUG;
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(s, names[i]) == 0) {
			*out = (int)i; /* enum log_level */
			return 0;
		}
	}
	return -EINVAL;
}

static int set_loglvl(struct options *o, const char *s)
{
	return level(s, &o->loglvl);
}

static int set_guest_loglvl(struct options *o, const char *s)
{
	return level(s, &o->guest_loglvl);
}

/* No value, or one of the usual words. */
static int boolean(const char *s, bool *out)
{
	static const char *const on[] = { "1", "yes", "on", "true", "enable" };
	static const char *const off[] = { "0", "no", "off", "false",
					   "disable" };
	unsigned int i;

	if (!s) {
		*out = true;
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(on); i++) {
		if (strcmp(s, on[i]) == 0 || strcmp(s, off[i]) == 0) {
			*out = strcmp(s, on[i]) == 0;
			return 0;
		}
	}
	return -EINVAL;
}

static int set_noreboot(struct options *o, const char *s)
{
	return boolean(s, &o->noreboot);
}

static int tristate(const char *s, enum option_tristate *out)
{
	bool on;

	if (s && (strcmp(s, "auto") == 0 || strcmp(s, "default") == 0)) {
		*out = OPTION_AUTO;
		return 0;
	}
	if (boolean(s, &on) != 0) {
		return -EINVAL;
	}
	*out = on ? OPTION_ON : OPTION_OFF;
	return 0;
}

static int set_xpti(struct options *o, const char *s)
{
	return tristate(s, &o->xpti);
}

static int set_spec_ctrl(struct options *o, const char *s)
{
	return tristate(s, &o->spec_ctrl);
}

static int set_smep(struct options *o, const char *s)
{
	return tristate(s, &o->smep);
}

static int set_smap(struct options *o, const char *s)
{
	return tristate(s, &o->smap);
}

static int set_x2apic(struct options *o, const char *s)
{
	return tristate(s, &o->x2apic);
}

static int set_tsc_khz(struct options *o, const char *s)
{
	uint64_t v;

	if (whole_number(s, 100000000, &v) != 0 || v < 10000) {
		return -EINVAL;
	}
	o->tsc_khz_forced = (uint32_t)v;
	return 0;
}

static const struct option table[] = {
	{ "com1", set_com1 },
	{ "console", set_console },
	{ "dom0_max_vcpus", set_dom0_max_vcpus },
	{ "dom0_mem", set_dom0_mem },
	{ "guest_loglvl", set_guest_loglvl },
	{ "loglvl", set_loglvl },
	{ "maxcpus", set_maxcpus },
	{ "noreboot", set_noreboot },
	{ "nosmp", set_nosmp },
	{ "smap", set_smap },
	{ "smep", set_smep },
	{ "spec-ctrl", set_spec_ctrl },
	{ "tsc_khz", set_tsc_khz },
	{ "x2apic", set_x2apic },
	{ "xpti", set_xpti },
};

const char *cmdline_option_name(unsigned int i)
{
	return i < ARRAY_SIZE(table) ? table[i].name : NULL;
}

/* One word, cut out of the line. */
static bool apply(char *word, struct options *o,
		  void (*complain)(const char *, const char *))
{
	char *val = strchr(word, '=');
	unsigned int i;

	if (val) {
		*val++ = '\0';
	}
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		if (strcmp(word, table[i].name) != 0) {
			continue;
		}
		if (table[i].set(o, val) == 0) {
			return true;
		}
		complain(word, "bad value");
		return false;
	}
	complain(word, "unknown option");
	return false;
}

unsigned int cmdline_parse(const char *line, struct options *o,
			   void (*complain)(const char *, const char *))
{
	unsigned int complaints = 0;
	char word[128];
	size_t n;

	for (;;) {
		while (*line == ' ' || *line == '\t') {
			line++;
		}
		if (!*line || strncmp(line, "--", 2) == 0) {
			return complaints;
		}
		for (n = 0; line[n] && line[n] != ' ' && line[n] != '\t'; n++) {
		}
		if (n < sizeof(word)) {
			memcpy(word, line, n);
			word[n] = '\0';
			complaints += !apply(word, o, complain);
		} else {
			complain("(a word of the command line)", "too long");
			complaints++;
		}
		line += n;
	}
}

static uint64_t resolve(const struct option_size *s, uint64_t available)
{
	if (!s->all_but) {
		return s->bytes;
	}
	return s->bytes < available ? available - s->bytes : 0;
}

uint64_t options_dom0_bytes(const struct options *o, uint64_t available)
{
	uint64_t reserve = MIN(available / DOM0_RESERVE_SHARE,
			       DOM0_RESERVE_MAX);
	uint64_t bytes = available - reserve;

	if (o->dom0_mem.given) {
		bytes = resolve(&o->dom0_mem, available);
	}
	if (o->dom0_mem_min.given) {
		bytes = MAX(bytes, resolve(&o->dom0_mem_min, available));
	}
	if (o->dom0_mem_max.given) {
		bytes = MIN(bytes, resolve(&o->dom0_mem_max, available));
	}
	return MIN(bytes, available - reserve) & PAGE_MASK;
}

unsigned int options_dom0_vcpus(const struct options *o, unsigned int cpus)
{
	unsigned int n = cpus;

	n = MAX(n, o->dom0_vcpus_min);
	if (o->dom0_vcpus_max) {
		n = MIN(n, o->dom0_vcpus_max);
	}
	return MAX(1u, MIN(n, (unsigned int)MAX_VCPUS));
}
