/*
 * hook_conf_fuzz - any bytes as hooks.conf.  What is accepted must keep to the
 * limits that the dispatcher relies on.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hook_conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hook_conf *conf;
	struct hook_settings s;
	struct err err = { "" };
	char *env[16];
	size_t count;
	size_t i;

	if (hook_conf_parse(&conf, (const char *)data, size, &err) != 0) {
		if (err.text[0] == '\0') {
			abort();
		}
		return 0;
	}
	hook_conf_settings(conf, "a", &s);
	if (s.timeout_s < 1 || s.timeout_s > 3600 || s.attempts < 1 ||
	    s.attempts > 100 || s.backoff_s < 1 || s.backoff_s > 3600 ||
	    s.parallel < 1 || s.parallel > HOOK_PARALLEL_MAX) {
		abort();
	}
	count = hook_conf_env(conf, "a", env, 16);
	for (i = 0; i < count; i++) {
		if (!strchr(env[i], '=') || strncmp(env[i], "SERAI_", 6) == 0) {
			abort();
		}
	}
	hook_conf_free(conf);
	return 0;
}
