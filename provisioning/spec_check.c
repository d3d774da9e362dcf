/*
 * spec_check.c - is this text what the argument allows (see spec.h)?
 */
#include "spec.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"

static bool all_of(const char *text, const char *allowed)
{
	return text[strspn(text, allowed)] == '\0';
}

#define DIGITS	"0123456789"
#define LOWER	"abcdefghijklmnopqrstuvwxyz"
#define UPPER	"ABCDEFGHIJKLMNOPQRSTUVWXYZ"

bool spec_name_valid(const char *text)
{
	size_t len = strlen(text);

	/* All digits would be taken for an id. */
	return len >= 1 && len <= SPEC_NAME_MAX &&
	       all_of(text, LOWER DIGITS "-") && !all_of(text, DIGITS) &&
	       text[0] != '-' && text[len - 1] != '-';
}

bool spec_version_valid(const char *text)
{
	size_t len = strlen(text);

	return len >= 1 && len <= SPEC_NAME_MAX && isalnum((unsigned char)*text)
	       && all_of(text, LOWER UPPER DIGITS ".+~_");
}

static int check_text(const struct spec_arg *arg, const char *text,
		      struct err *err)
{
	size_t len = strlen(text), used = 0, n;

	while (text[used] && (n = err_printable(text + used))) {
		used += n;
	}
	if (used < len || len < 1 || len > 128) {
		return err_set(err, -EINVAL, "%s: must be 1 to 128 bytes of "
			       "printable UTF-8", arg->name);
	}
	return 0;
}

/*
 * Digits, then at most one unit letter out of @units; each further letter
 * multiplies by @step once more.  The first letter is a factor of 1.
 */
static int parse_number(const char *text, const char *units, uint64_t step,
			uint64_t *number)
{
	uint64_t value;
	const char *unit;
	char *end;

	if (!isdigit((unsigned char)text[0]) || strlen(text) > 18) {
		return -EINVAL;
	}
	value = strtoull(text, &end, 10);
	if (*end) {
		unit = strchr(units, *end);
		if (!unit || end[1]) {
			return -EINVAL;
		}
		for (; unit > units; unit--) {
			if (__builtin_mul_overflow(value, step, &value)) {
				return -EINVAL;
			}
		}
	}
	*number = value;
	return 0;
}

static int check_number(const struct spec_arg *arg, const char *text,
			uint64_t *number, struct err *err)
{
	uint64_t max = arg->max ? arg->max : INT64_MAX;
	const char *units = "", *what = "a whole number";
	uint64_t step = 1, value;

	if (arg->type == SPEC_SIZE) {
		units = "MGT";
		step = 1024;
		what = "a size in MiB, or like 512M or 20G,";
	} else if (arg->type == SPEC_RATE) {
		units = "kMG";
		step = 1000;
		what = "a rate in kbit/s, or like 100M or 1G,";
	}
	if (parse_number(text, units, step, &value) != 0 ||
	    value < arg->min || value > max) {
		return err_set(err, -EINVAL, "%s: '%.40s' is not %s from %llu "
			       "to %llu", arg->name, text, what,
			       (unsigned long long)arg->min,
			       (unsigned long long)max);
	}
	*number = value;
	return 0;
}

static int check_addrs(const struct spec_arg *arg, const char *text,
		       struct err *err)
{
	char one[ADDR_TEXT_MAX];
	struct addr addr;
	size_t len;

	for (;; text += len + 1) {
		len = strcspn(text, ",");
		if (len < sizeof(one)) {
			memcpy(one, text, len);
			one[len] = '\0';
		}
		if (len >= sizeof(one) || addr_parse(&addr, one) != 0) {
			return err_set(err, -EINVAL, "%s: '%.40s' is not an "
				       "IPv4 or IPv6 address", arg->name, text);
		}
		if (text[len] == '\0') {
			return 0;
		}
	}
}

static int check_range(const struct spec_arg *arg, const char *text,
		       struct err *err)
{
	const char *dash = strchr(text, '-');
	struct addr first, last;
	char one[ADDR_TEXT_MAX];

	if (dash && (size_t)(dash - text) < sizeof(one)) {
		memcpy(one, text, (size_t)(dash - text));
		one[dash - text] = '\0';
		if (addr_parse(&first, one) == 0 &&
		    addr_parse(&last, dash + 1) == 0 &&
		    addr_family(&first) == addr_family(&last) &&
		    addr_compare(&first, &last) <= 0) {
			return 0;
		}
	}
	return err_set(err, -EINVAL, "%s: '%.60s' is not FIRST-LAST, two "
		       "addresses of one family in order", arg->name, text);
}

static int check_token(const struct spec_arg *arg, const char *text,
		       struct err *err)
{
	if (strlen(text) > 64 || !*text ||
	    !all_of(text, LOWER UPPER DIGITS "._:-")) {
		return err_set(err, -EINVAL, "%s: must be 1 to 64 of letters, "
			       "digits and . _ : -", arg->name);
	}
	return 0;
}

static int check_path(const struct spec_arg *arg, const char *text,
		      struct err *err)
{
	if (text[0] != '/' || strlen(text) > 500) {
		return err_set(err, -EINVAL, "%s: must be an absolute path of "
			       "at most 500 bytes", arg->name);
	}
	return 0;
}

static int check_name(const struct spec_arg *arg, const char *text,
		      struct err *err)
{
	if (spec_name_valid(text)) {
		return 0;
	}
	return err_set(err, -EINVAL, "%s: '%.64s' is not a name: 1 to 63 of "
		       "a-z, 0-9 and -, not only digits, no - at either end",
		       arg->name, text);
}

static int check_ref(const struct spec_arg *arg, const char *text,
		     struct err *err)
{
	if (all_of(text, DIGITS) && *text && strlen(text) <= 18) {
		return 0;
	}
	return check_name(arg, text, err);
}

/* Is @text one of the words of "a|b|c"? */
static bool is_choice(const char *choices, const char *text)
{
	size_t len = strlen(text), word;

	for (; *choices; choices += word + (choices[word] == '|')) {
		word = strcspn(choices, "|");
		if (word == len && memcmp(choices, text, len) == 0) {
			return true;
		}
	}
	return false;
}

int spec_check(const struct spec_arg *arg, const char *text, uint64_t *number,
	       struct err *err)
{
	struct addr addr;

	*number = 0;
	switch (arg->type) {
	case SPEC_NAME:
		return check_name(arg, text, err);
	case SPEC_REF:
		return check_ref(arg, text, err);
	case SPEC_TEXT:
		return check_text(arg, text, err);
	case SPEC_COUNT:
	case SPEC_SIZE:
	case SPEC_RATE:
		return check_number(arg, text, number, err);
	case SPEC_ADDR:
		if (addr_parse(&addr, text) == 0) {
			return 0;
		}
		return err_set(err, -EINVAL, "%s: '%.60s' is not an IPv4 or "
			       "IPv6 address", arg->name, text);
	case SPEC_ADDRS:
		return check_addrs(arg, text, err);
	case SPEC_RANGE:
		return check_range(arg, text, err);
	case SPEC_KEYS:
		return spec_keys_check(text, err);
	case SPEC_PATH:
		return check_path(arg, text, err);
	case SPEC_TOKEN:
		return check_token(arg, text, err);
	case SPEC_VERSION:
		if (spec_version_valid(text)) {
			return 0;
		}
		return err_set(err, -EINVAL, "%s: '%.64s' is not a version: "
			       "letters, digits and . + ~ _", arg->name, text);
	case SPEC_CHOICE:
		if (is_choice(arg->choices, text)) {
			return 0;
		}
		return err_set(err, -EINVAL, "%s: '%.40s' is not one of %s",
			       arg->name, text, arg->choices);
	case SPEC_SWITCH:
	case SPEC_NONE:
		break;
	}
	return err_set(err, -EINVAL, "%s: takes no value", arg->name);
}
