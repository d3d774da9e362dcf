/*
 * spec_test.c - addresses, argument checks, keys, requests.
 */
#define CHECK_SUITE "spec"
#include "check.h"

#include <errno.h>
#include <stdlib.h>

#include "addr.h"
#include "msg.h"
#include "spec.h"

#define ED25519 "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGNo8mXfLQTUmc1h" \
		"Aeqw7cyVOwLpIX/AeOkk8bPkoVQ/ me@example"

static struct addr parse(const char *text)
{
	struct addr addr = { { 0 } };

	CHECK_INT(addr_parse(&addr, text), 0);
	return addr;
}

static void addresses_have_one_form(void)
{
	static const char *const bad[] = { "", "1.2.3", "1.2.3.4.5", "::g",
		"01.2.3.4", "1.2.3.4/24", "::ffff:1.2.3.4", " 1.2.3.4" };
	char text[ADDR_TEXT_MAX];
	struct addr addr;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (addr_parse(&addr, bad[i]) != -EINVAL) {
			CHECK_FAIL("%s: expected -EINVAL", bad[i]);
		}
	}
	addr = parse("2001:DB8::0:1");
	addr_format(&addr, text);
	CHECK_TEXT(text, "2001:db8::1");
	CHECK_INT(addr_family(&addr), 6);
	addr = parse("192.0.2.1");
	addr_format(&addr, text);
	CHECK_TEXT(text, "192.0.2.1");
	CHECK_INT(addr_family(&addr), 4);
}

static void addresses_count_and_compare(void)
{
	struct addr a = parse("10.0.0.255"), b = parse("10.0.1.0");
	struct addr top = parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	struct addr v6 = parse("2001:db8::"), end = parse("2001:db8:1::");

	CHECK(addr_compare(&a, &b) < 0);
	CHECK_INT(addr_count(&a, &b), 2);
	CHECK(addr_count(&v6, &end) == UINT64_MAX);
	CHECK(addr_next(&a) && addr_compare(&a, &b) == 0);
	CHECK(!addr_next(&top));
	a = parse("10.0.0.255");
	CHECK(addr_same_network(&a, &b, 23));
	CHECK(!addr_same_network(&a, &b, 24));
	CHECK(!addr_same_network(&a, &v6, 8));
	CHECK(addr_is_edge(&b, 24));
	CHECK(!addr_is_edge(&b, 23));
}

static void addresses_of_guests_are_unicast(void)
{
	static const char *const no[] = { "0.0.0.1", "127.0.0.1", "224.0.0.1",
		"255.255.255.255", "169.254.1.1", "::1", "fe80::1", "ff02::1",
		"::" };
	static const char *const yes[] = { "10.0.0.1", "192.0.2.1",
		"2001:db8::1", "fd00::1" };
	struct addr addr;

	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++) {
		addr = parse(no[i]);
		if (addr_is_usable(&addr)) {
			CHECK_FAIL("%s: expected refused", no[i]);
		}
	}
	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
		addr = parse(yes[i]);
		if (!addr_is_usable(&addr)) {
			CHECK_FAIL("%s: expected allowed", yes[i]);
		}
	}
}

static void macs(void)
{
	CHECK(addr_mac_valid("00:16:3e:12:ab:ff"));
	CHECK(!addr_mac_valid("01:16:3e:12:ab:ff"));	/* a group */
	CHECK(!addr_mac_valid("00:16:3E:12:ab:ff"));
	CHECK(!addr_mac_valid("00:16:3e:12:ab"));
	CHECK(!addr_mac_valid("00-16-3e-12-ab-ff"));
	CHECK(!addr_mac_valid("00:16:3e:12:ab:f"));
}

static void names(void)
{
	char long_name[80];

	memset(long_name, 'a', sizeof(long_name));
	long_name[63] = '\0';
	CHECK(spec_name_valid(long_name));
	long_name[63] = 'a';
	long_name[64] = '\0';
	CHECK(!spec_name_valid(long_name));
	CHECK(spec_name_valid("a"));
	CHECK(spec_name_valid("4you"));
	CHECK(!spec_name_valid(""));
	CHECK(!spec_name_valid("123"));
	CHECK(!spec_name_valid("-a"));
	CHECK(!spec_name_valid("a-"));
	CHECK(!spec_name_valid("A"));
	CHECK(!spec_name_valid("a.b"));
	CHECK(!spec_name_valid("a_b"));
	CHECK(!spec_name_valid("a b"));
	CHECK(!spec_name_valid("\xc3\xa4"));
}

/* What is stored ends up in JSON, and JSON is UTF-8 (RFC 3629, RFC 8259). */
static void texts(void)
{
	static const char *const good[] = { "a", "caf\xc3\xa9", "\xe2\x82\xac",
		"\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf" };
	static const char *const bad[] = { "", "a\nb", "\x7f", "\xff", "\xc3",
		"caf\xe9s", "\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
		"\xf0\x80\x80\xaf", "\xf4\x90\x80\x80", "\xe2\x82" };
	struct spec_arg arg = { .name = "external-id", .type = SPEC_TEXT };
	struct err err;
	uint64_t n;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		CHECK_INT(spec_check(&arg, good[i], &n, &err), 0);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (spec_check(&arg, bad[i], &n, &err) != -EINVAL) {
			CHECK_FAIL("text %zu: expected -EINVAL", i);
		}
	}
	err_set(&err, 0, "%.4s|\xff|\xc3\xa9|%c", "caf\xc3\xa9", '\n');
	CHECK_TEXT(err.text, "caf?|?|\xc3\xa9|?");
}

static void numbers(void)
{
	struct spec_arg size = { .name = "ram", .type = SPEC_SIZE,
				 .min = 16, .max = 4096 };
	struct spec_arg rate = { .name = "rate", .type = SPEC_RATE };
	struct spec_arg count = { .name = "vcpus", .type = SPEC_COUNT,
				  .min = 1, .max = 4 };
	static const char *const bad[] = { "", "0", "15", "4097", "5G", "1g",
		"1GB", "-1", "+16", " 16", "16 ", "1.5G", "0x20",
		"99999999999999999999", "999999999999999999T" };
	struct err err;
	uint64_t n;

	CHECK_INT(spec_check(&size, "512", &n, &err), 0);
	CHECK_INT(n, 512);
	CHECK_INT(spec_check(&size, "512M", &n, &err), 0);
	CHECK_INT(n, 512);
	CHECK_INT(spec_check(&size, "2G", &n, &err), 0);
	CHECK_INT(n, 2048);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		err.text[0] = '\0';
		if (spec_check(&size, bad[i], &n, &err) != -EINVAL) {
			CHECK_FAIL("'%s': expected -EINVAL", bad[i]);
		}
		CHECK_HAS(err.text, "ram: ");
		CHECK_HAS(err.text, "from 16 to 4096");
	}
	CHECK_INT(spec_check(&rate, "100M", &n, &err), 0);
	CHECK_INT(n, 100000);
	CHECK_INT(spec_check(&rate, "5k", &n, &err), 0);
	CHECK_INT(n, 5);
	CHECK_INT(spec_check(&count, "4", &n, &err), 0);
	CHECK_INT(spec_check(&count, "5", &n, &err), -EINVAL);
	CHECK_INT(spec_check(&count, "4k", &n, &err), -EINVAL);
}

static void ranges(void)
{
	struct spec_arg range = { .name = "range", .type = SPEC_RANGE };
	static const char *const bad[] = { "", "-", "10.0.0.1", "10.0.0.1-",
		"-10.0.0.1", "10.0.0.2-10.0.0.1", "10.0.0.1-2001:db8::1",
		"10.0.0.1-10.0.0.2-10.0.0.3", "a-b" };
	struct err err;
	uint64_t n;

	CHECK_INT(spec_check(&range, "10.0.0.1-10.0.0.1", &n, &err), 0);
	CHECK_INT(spec_check(&range, "2001:db8::1-2001:db8::f", &n, &err), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (spec_check(&range, bad[i], &n, &err) != -EINVAL) {
			CHECK_FAIL("'%s': expected -EINVAL", bad[i]);
		}
	}
}

static void keys(void)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "", "no public key" },
		{ "# only a comment\n", "no public key" },
		{ "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n", "private" },
		{ "ssh-ed25519\n", "line 1" },
		{ "ssh-ed25519 AAAA me\n", "line 1" },
		{ ED25519 "\nhello\n", "line 2" },
		/* Options would let a key run or forward things. */
		{ "command=\"x\" " ED25519 "\n", "line 1" },
		/* Says RSA, is Ed25519. */
		{ "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIGNo8mXfLQTUmc1hAeqw7cyV"
		  "OwLpIX/AeOkk8bPkoVQ/\n", "line 1" },
		{ "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGNo8mXfLQTUmc1hAeqw"
		  "7cyVOwLpIX/AeOkk8bPkoVQ!\n", "line 1" },
		{ ED25519 "\x01\n", "line 1" },
		{ ED25519 "\r\n", "line 1" },
	};
	char *large = malloc(SPEC_KEYS_MAX + 2);
	struct err err;

	CHECK_INT(spec_keys_check(ED25519, &err), 0);
	CHECK_INT(spec_keys_check(ED25519 "\n\n# two\n" ED25519 "\n", &err),
		  0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		err.text[0] = '\0';
		CHECK_INT(spec_keys_check(bad[i].text, &err), -EINVAL);
		CHECK_HAS(err.text, bad[i].says);
	}
	memset(large, '\n', SPEC_KEYS_MAX + 1);
	large[SPEC_KEYS_MAX + 1] = '\0';
	CHECK_INT(spec_keys_check(large, &err), -EINVAL);
	CHECK_HAS(err.text, "16384");
	free(large);
}

static int request(const char *line, struct err *err)
{
	struct msg_request req;
	int rc = msg_request_parse(&req, line, strlen(line), err);

	if (rc == 0) {
		msg_request_free(&req);
	}
	return rc;
}

static void requests(void)
{
	static const struct {
		const char *line, *says;
	} bad[] = {
		{ "", "JSON" },
		{ "{", "JSON" },
		{ "[]", "'verb'" },
		{ "{}", "'verb'" },
		{ "{\"verb\":1}", "'verb'" },
		{ "{\"verb\":\"fly\"}", "fly" },
		{ "{\"verb\":\"list\",\"args\":[]}", "args" },
		{ "{\"verb\":\"list\",\"args\":{\"x\":\"y\"}}", "x: no such" },
		{ "{\"verb\":\"show\"}", "name: is required" },
		{ "{\"verb\":\"show\",\"args\":{\"name\":1}}", "string" },
		{ "{\"verb\":\"show\",\"args\":{\"name\":\"A\"}}", "name: 'A'" },
		{ "{\"verb\":\"show\",\"args\":{\"name\":\"a\",\"name\":\"b\"}}",
		  "twice" },
		{ "{\"verb\":\"stop\",\"args\":{\"name\":\"a\","
		  "\"force\":\"yes\"}}", "true or false" },
	};
	struct msg_request req;
	struct err err;
	const char *good = "{\"verb\":\"stop\",\"args\":{\"name\":\"a\","
			   "\"force\":true,\"no-wait\":false,"
			   "\"timeout\":\"9\"}}";

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		err.text[0] = '\0';
		CHECK_INT(request(bad[i].line, &err), -EINVAL);
		CHECK_HAS(err.text, bad[i].says);
	}
	CHECK_INT(msg_request_parse(&req, "{}\0", 3, &err), -EINVAL);
	CHECK_INT(msg_request_parse(&req, good, strlen(good), &err), 0);
	CHECK_TEXT(msg_request_text(&req, "name"), "a");
	CHECK(msg_request_text(&req, "force"));
	CHECK(!msg_request_text(&req, "no-wait"));
	CHECK_INT(msg_request_number(&req, "timeout", 1), 9);
	msg_request_free(&req);
}

static void error_lines_stay_one_line(void)
{
	struct err err;

	CHECK_INT(err_set(&err, -5, "a\nb\x1b[2J%s", "\r"), -5);
	CHECK_TEXT(err.text, "a?b?[2J?");
}

int main(void)
{
	RUN(addresses_have_one_form);
	RUN(addresses_count_and_compare);
	RUN(addresses_of_guests_are_unicast);
	RUN(macs);
	RUN(names);
	RUN(texts);
	RUN(numbers);
	RUN(ranges);
	RUN(keys);
	RUN(requests);
	RUN(error_lines_stay_one_line);
	return check_end();
}
