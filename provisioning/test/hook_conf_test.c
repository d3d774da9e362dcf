/*
 * hook_conf_test - hooks.conf: what is accepted, what is refused and how.
 */
#define CHECK_SUITE "hook_conf"
#include "check.h"

#include <errno.h>
#include <stdlib.h>

#include "hook_conf.h"

static struct hook_conf *parse(const char *text)
{
	struct hook_conf *conf = NULL;
	struct err err = { "" };

	if (hook_conf_parse(&conf, text, strlen(text), &err) != 0) {
		CHECK_FAIL("expected \"%s\" to be accepted, got %s", text,
			   err.text);
		exit(1);
	}
	return conf;
}

static void test_defaults(void)
{
	struct hook_conf *conf = parse("");
	struct hook_settings s;

	hook_conf_settings(conf, "any", &s);
	CHECK_INT(s.timeout_s, 30);
	CHECK_INT(s.attempts, 12);
	CHECK_INT(s.backoff_s, 10);
	CHECK_INT(s.parallel, 4);
	hook_conf_free(conf);
}

/* Its own beats all's wherever it stands; the later beats the earlier. */
static void test_precedence(void)
{
	struct hook_conf *conf = parse("a.timeout = 7\n*.timeout = 9\n"
				       "*.attempts=3\n*.attempts=4\n");
	struct hook_settings s;

	hook_conf_settings(conf, "a", &s);
	CHECK_INT(s.timeout_s, 7);
	CHECK_INT(s.attempts, 4);
	hook_conf_settings(conf, "b", &s);
	CHECK_INT(s.timeout_s, 9);
	hook_conf_free(conf);
}

static void test_environment(void)
{
	struct hook_conf *conf = parse(
		"# comment\n\n  a.URL =  https://x/?q=1#frag  # why\r\n"
		"*.URL = no\na.URL2=\n*.ALL = b = c\nb.ONLY = x\n"
		"a.timeout = 3 # seconds\n");
	char *env[8];

	CHECK_INT(hook_conf_env(conf, "a", env, 8), 3);
	CHECK_TEXT(env[0], "URL=https://x/?q=1#frag");
	CHECK_TEXT(env[1], "ALL=b = c");
	CHECK_TEXT(env[2], "URL2=");
	CHECK_INT(hook_conf_env(conf, "a", env, 2), 2);
	CHECK_INT(hook_conf_env(conf, "c", env, 8), 2);
	hook_conf_free(conf);
}

static void test_refusals(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "\nnonsense", "line 2: must be \"HOOK.key = value\"" },
		{ "a.timeout", "line 1: must be" },
		{ "timeout = 3", "line 1: must be" },
		{ "a = b.c", "line 1: must be" },
		{ "= .", "line 1: must be" },
		{ ".timeout = 3", "\"\" is no hook's name" },
		{ "../x.timeout = 3", "\"\" is no hook's name" },
		{ "a b.timeout = 3", "\"a b\" is no hook's name" },
		{ "a.timeout = 0", "timeout must be 1 to 3600, not \"0\"" },
		{ "a.timeout = 3601", "timeout must be 1 to 3600" },
		{ "a.timeout = ", "timeout must be 1 to 3600, not \"\"" },
		{ "a.timeout = 3s", "not \"3s\"" },
		{ "a.timeout = -3", "not \"-3\"" },
		{ "a.timeout = 4294967297", "not \"4294967297\"" },
		{ "a.parallel = 17", "parallel must be 1 to 16" },
		{ "a.attempts = 101", "attempts must be 1 to 100" },
		{ "a.retries = 1", "\"retries\" is none of timeout" },
		{ "a.SERAI_EVENT_ID = 1", "is none of" },
		{ "a.1X = 1", "is none of" },
		{ "a. = 1", "\"\" is none of" },
		{ "a.b.C = 1", "\"b.C\" is none of" },
	};
	struct hook_conf *conf;
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		err.text[0] = '\0';
		CHECK_INT(hook_conf_parse(&conf, cases[i].text,
					  strlen(cases[i].text), &err),
			  -EINVAL);
		CHECK_HAS(err.text, cases[i].want);
		CHECK(conf == NULL);
	}
	CHECK_INT(hook_conf_parse(&conf, "a.\0X=1", 7, &err), -EINVAL);
	CHECK_HAS(err.text, "zero byte");
}

static void test_too_many(void)
{
	struct hook_conf *conf;
	struct err err;
	char text[257 * 8 + 1] = "";
	int i;

	for (i = 0; i < 257; i++) {
		strcat(text, "a.X = 1\n");
	}
	CHECK_INT(hook_conf_parse(&conf, text, strlen(text) - 8, &err), 0);
	hook_conf_free(conf);
	CHECK_INT(hook_conf_parse(&conf, text, strlen(text), &err), -EINVAL);
	CHECK_HAS(err.text, "line 257: more than 256");
}

static void test_files(void)
{
	struct hook_conf *conf;
	struct err err;

	CHECK_INT(hook_conf_load(&conf, "/no/such/file", &err), 0);
	hook_conf_free(conf);
	CHECK_INT(hook_conf_load(&conf, "/", &err), -EISDIR);
	CHECK_INT(hook_conf_load(&conf, "/dev/zero", &err), -EFBIG);
	CHECK_HAS(err.text, "longer than 64 KiB");
}

static void test_names(void)
{
	CHECK(hook_name_valid("csv-ledger"));
	CHECK(hook_name_valid("A_9"));
	CHECK(!hook_name_valid(""));
	CHECK(!hook_name_valid("."));
	CHECK(!hook_name_valid("a.new"));
	CHECK(!hook_name_valid("a/b"));
	CHECK(!hook_name_valid("a b"));
	CHECK(hook_name_valid("123456789012345678901234567890123456789012345678"
			      "901234567890123"));
	CHECK(!hook_name_valid("12345678901234567890123456789012345678901234567"
			       "89012345678901234"));
}

int main(void)
{
	RUN(test_defaults);
	RUN(test_precedence);
	RUN(test_environment);
	RUN(test_refusals);
	RUN(test_too_many);
	RUN(test_files);
	RUN(test_names);
	return check_end();
}
