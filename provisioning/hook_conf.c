/*
 * hook_conf.c - parses hooks.conf into a list of its lines, in their order.
 */
#include "hook_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENTRIES_MAX 256

/* One line.  text is "hook\0KEY=value\0"; hook and pair point into it. */
struct entry {
	char *text;
	const char *hook;
	const char *pair;
	unsigned int number;	/* of a lowercase key */
	int key;		/* index into keys[], or -1: environment */
};

struct hook_conf {
	struct entry entries[ENTRIES_MAX];
	size_t count;
};

static const struct {
	const char *name;
	size_t offset;
	unsigned int fallback;
	unsigned int max;
} keys[] = {
	{ "timeout", offsetof(struct hook_settings, timeout_s), 30, 3600 },
	{ "attempts", offsetof(struct hook_settings, attempts), 12, 100 },
	{ "backoff", offsetof(struct hook_settings, backoff_s), 10, 3600 },
	{ "parallel", offsetof(struct hook_settings, parallel), 4,
	  HOOK_PARALLEL_MAX },
};

#define KEYS		((int)(sizeof(keys) / sizeof(keys[0])))
#define LOWER		"abcdefghijklmnopqrstuvwxyz"
#define UPPER		"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS		"0123456789"
#define BLANK		" \t\r"

bool hook_name_valid(const char *name)
{
	size_t length = strspn(name, LOWER UPPER DIGITS "-_");

	return length > 0 && length <= HOOK_NAME_MAX && name[length] == '\0';
}

/* Cut white space off both ends of @text, in place. */
static char *trim(char *text)
{
	size_t length;

	text += strspn(text, BLANK);
	length = strlen(text);
	while (length > 0 && strchr(BLANK, text[length - 1])) {
		length--;
	}
	text[length] = '\0';
	return text;
}

/* A "#" within a word belongs to it: URLs have fragments. */
static void cut_comment(char *line)
{
	size_t i;

	for (i = 0; line[i] != '\0'; i++) {
		if (line[i] == '#' && (i == 0 || strchr(BLANK, line[i - 1]))) {
			line[i] = '\0';
			return;
		}
	}
}

static int parse_number(struct entry *entry, const char *value,
			unsigned int line, struct err *err)
{
	unsigned int max = keys[entry->key].max;
	size_t digits = strspn(value, DIGITS);
	unsigned long number = strtoul(value, NULL, 10);

	if (digits == 0 || digits > 9 || value[digits] != '\0' ||
	    number < 1 || number > max) {
		return err_set(err, -EINVAL,
			       "hooks.conf line %u: %s must be 1 to %u, not "
			       "\"%.40s\"",
			       line, keys[entry->key].name, max, value);
	}
	entry->number = (unsigned int)number;
	return 0;
}

static int find_key(const char *key)
{
	int i;

	for (i = 0; i < KEYS; i++) {
		if (strcmp(key, keys[i].name) == 0) {
			return i;
		}
	}
	return -1;
}

static bool env_key_valid(const char *key)
{
	size_t length = strspn(key, UPPER DIGITS "_");

	return length > 0 && length <= 63 && key[length] == '\0' &&
	       !strchr(DIGITS, key[0]) && strncmp(key, "SERAI_", 6) != 0;
}

/* Take the parts of a line into @entry, which owns them then. */
static int fill_entry(struct entry *entry, const char *hook, const char *key,
		      const char *value)
{
	size_t hook_size = strlen(hook) + 1;
	size_t key_length = strlen(key);
	size_t value_size = strlen(value) + 1;
	char *pair;

	entry->text = malloc(hook_size + key_length + 1 + value_size);
	if (!entry->text) {
		return -ENOMEM;
	}
	memcpy(entry->text, hook, hook_size);
	pair = entry->text + hook_size;
	memcpy(pair, key, key_length);
	pair[key_length] = '=';
	memcpy(pair + key_length + 1, value, value_size);
	entry->hook = entry->text;
	entry->pair = pair;
	return 0;
}

static int parse_line(struct hook_conf *conf, char *text, unsigned int line,
		      struct err *err)
{
	struct entry *entry = &conf->entries[conf->count];
	char *equals;
	char *dot;
	char *hook;
	char *key;
	char *value;
	int rc;

	cut_comment(text);
	text = trim(text);
	if (text[0] == '\0') {
		return 0;
	}
	if (conf->count == ENTRIES_MAX) {
		return err_set(err, -EINVAL,
			       "hooks.conf line %u: more than %d settings",
			       line, ENTRIES_MAX);
	}
	equals = strchr(text, '=');
	dot = equals ? memchr(text, '.', (size_t)(equals - text)) : NULL;
	if (!dot) {
		return err_set(err, -EINVAL,
			       "hooks.conf line %u: must be \"HOOK.key = "
			       "value\" or \"*.key = value\"", line);
	}
	*dot = '\0';
	*equals = '\0';
	hook = trim(text);
	key = trim(dot + 1);
	value = trim(equals + 1);
	if (strcmp(hook, "*") != 0 && !hook_name_valid(hook)) {
		return err_set(err, -EINVAL,
			       "hooks.conf line %u: \"%.64s\" is no hook's "
			       "name: letters, digits, - and _, or *", line,
			       hook);
	}
	entry->key = find_key(key);
	if (entry->key >= 0) {
		rc = parse_number(entry, value, line, err);
		if (rc != 0) {
			return rc;
		}
	} else if (!env_key_valid(key)) {
		return err_set(err, -EINVAL,
			       "hooks.conf line %u: \"%.64s\" is none of "
			       "timeout, attempts, backoff, parallel, or a "
			       "variable in CAPITALS (not SERAI_...)", line,
			       key);
	}
	rc = fill_entry(entry, hook, key, value);
	if (rc == 0) {
		conf->count++;
	}
	return rc;
}

int hook_conf_parse(struct hook_conf **conf, const char *text, size_t length,
		    struct err *err)
{
	struct hook_conf *new = calloc(1, sizeof(*new));
	char *copy = strndup(text, length);
	unsigned int line = 0;
	char *rest = copy;
	char *next;
	int rc = 0;

	*conf = NULL;
	if (!new || !copy) {
		rc = err_set(err, -ENOMEM, "hooks.conf: out of memory");
	} else if (strlen(copy) != length) {
		rc = err_set(err, -EINVAL, "hooks.conf: has a zero byte");
	}
	while (rc == 0 && (next = strsep(&rest, "\n")) != NULL) {
		rc = parse_line(new, next, ++line, err);
	}
	free(copy);
	if (rc != 0) {
		hook_conf_free(new);
		return rc;
	}
	*conf = new;
	return 0;
}

int hook_conf_load(struct hook_conf **conf, const char *path, struct err *err)
{
	char *text;
	ssize_t r = 0;
	size_t length = 0;
	int rc;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	*conf = NULL;
	if (fd < 0 && errno == ENOENT) {
		return hook_conf_parse(conf, "", 0, err);
	}
	if (fd < 0) {
		rc = -errno;
		return err_set(err, rc, "%s: %s", path, strerror(-rc));
	}
	text = malloc(HOOK_CONF_MAX + 1);
	if (!text) {
		close(fd);
		return err_set(err, -ENOMEM, "hooks.conf: out of memory");
	}
	do {
		r = read(fd, text + length, HOOK_CONF_MAX + 1 - length);
		length += r > 0 ? (size_t)r : 0;
	} while (r > 0 && length <= HOOK_CONF_MAX);
	if (r < 0) {
		rc = -errno;
		err_set(err, rc, "%s: %s", path, strerror(-rc));
	} else if (length > HOOK_CONF_MAX) {
		rc = err_set(err, -EFBIG, "%s: longer than 64 KiB", path);
	} else {
		rc = hook_conf_parse(conf, text, length, err);
	}
	free(text);
	close(fd);
	return rc;
}

/* Does @entry speak of @hook?  In pass 0 those for all, in pass 1 its own. */
static bool entry_matches(const struct entry *entry, const char *hook,
			  int pass)
{
	return strcmp(entry->hook, pass == 0 ? "*" : hook) == 0;
}

void hook_conf_settings(const struct hook_conf *conf, const char *hook,
			struct hook_settings *settings)
{
	int pass;
	int k;
	size_t i;

	for (k = 0; k < KEYS; k++) {
		*(unsigned int *)((char *)settings + keys[k].offset) =
			keys[k].fallback;
	}
	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < conf->count; i++) {
			const struct entry *entry = &conf->entries[i];

			if (entry->key >= 0 &&
			    entry_matches(entry, hook, pass)) {
				*(unsigned int *)((char *)settings +
						  keys[entry->key].offset) =
					entry->number;
			}
		}
	}
}

/* The place in @env of the variable that @pair sets, or @count. */
static size_t env_place(char **env, size_t count, const char *pair)
{
	size_t key = strcspn(pair, "=") + 1;
	size_t i;

	for (i = 0; i < count && strncmp(env[i], pair, key) != 0; i++) {
	}
	return i;
}

size_t hook_conf_env(const struct hook_conf *conf, const char *hook,
		     char **env, size_t max)
{
	size_t count = 0;
	size_t place;
	size_t i;
	int pass;

	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < conf->count; i++) {
			const struct entry *entry = &conf->entries[i];

			if (entry->key >= 0 ||
			    !entry_matches(entry, hook, pass)) {
				continue;
			}
			place = env_place(env, count, entry->pair);
			if (place < max) {
				env[place] = (char *)entry->pair;
				count += place == count;
			}
		}
	}
	return count;
}

void hook_conf_free(struct hook_conf *conf)
{
	size_t i;

	if (!conf) {
		return;
	}
	for (i = 0; i < conf->count; i++) {
		free(conf->entries[i].text);
	}
	free(conf);
}
