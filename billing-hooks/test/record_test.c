/*
 * record_test - record.c, csv.c and secret.c, without any process.
 */
#include "csv.h"
#include "record.h"
#include "secret.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void expect(const char *name, int good, const char *got)
{
	if (good) {
		printf("ok record: %s\n", name);
	} else {
		printf("FAIL record: %s: got \"%s\"\n", name, got);
		failures++;
	}
}

static const char *refusal(const char *text, size_t length)
{
	struct record record;
	const char *why = "accepted";

	if (record_parse(&record, text, length, &why) == 0) {
		record_free(&record);
		return "accepted";
	}
	return why;
}

static void test_parse(void)
{
#define GOOD "{\"v\":1,\"id\":\"a-1\",\"type\":\"usage\",\"time\":\"2026-11\"}"
	static const struct {
		const char *name, *text, *want;
	} cases[] = {
		{ "a good one", GOOD "\n", "accepted" },
		{ "nothing", "", "not a JSON object" },
		{ "an array", "[1]", "not a JSON object" },
		{ "garbage", "}{", "not a JSON object" },
		{ "two objects", GOOD GOOD, "not a JSON object" },
		{ "version 2", "{\"v\":2}", "\"v\" is not 1" },
		{ "version as text", "{\"v\":\"1\"}", "\"v\" is not 1" },
		{ "no id", "{\"v\":1,\"type\":\"a\",\"time\":\"b\"}",
		  "\"id\", \"type\"" },
		{ "id with a line end",
		  "{\"v\":1,\"id\":\"a\\nb\",\"type\":\"a\",\"time\":\"b\"}",
		  "\"id\", \"type\"" },
		{ "id with a comma",
		  "{\"v\":1,\"id\":\"a,b\",\"type\":\"a\",\"time\":\"b\"}",
		  "\"id\", \"type\"" },
		{ "id as a number",
		  "{\"v\":1,\"id\":7,\"type\":\"a\",\"time\":\"b\"}",
		  "\"id\", \"type\"" },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got =
		    refusal(cases[i].text, strlen(cases[i].text));

		expect(cases[i].name,
		       strncmp(got, cases[i].want, strlen(cases[i].want)) == 0,
		       got);
	}
	expect("a zero byte",
	       strcmp(refusal("{}\0{}", 5), "contains a zero byte") == 0,
	       refusal("{}\0{}", 5));
}

/* The record of record.md, field by field, and what CSV must quote. */
static void test_csv(void)
{
	static const char text[] =
	    "{\"v\":1,\"id\":\"a-1\",\"type\":\"usage\",\"time\":\"2026-11-21T"
	    "07:00:00Z\",\"host\":\"h\",\"seq\":3,\"vps\":{\"id\":12,\"name\":"
	    "\"web1\",\"plan\":\"p\",\"customer\":\"ac,me\",\"external_id\":"
	    "\"x\\\"y\\nz\"},\"data\":{\"cpu_seconds\":412.083,\"bytes_in\":"
	    "1099511627776}}";
	static const char want[] =
	    "a-1,2026-11-21T07:00:00Z,usage,h,3,\"ac,me\",\"x\"\"y z\",12,web1,"
	    "p,,,412.083,,,1099511627776,,\n";
	struct record record;
	const char *why = NULL;
	char line[CSV_LINE_MAX] = "";
	char small[20];
	int length;

	if (record_parse(&record, text, strlen(text), &why) != 0) {
		expect("the CSV record is accepted", 0, why);
		return;
	}
	length = csv_line(record.json, line, sizeof(line));
	line[length > 0 ? length : 0] = '\0';
	expect("a CSV line, quoted", strcmp(line, want) == 0, line);
	expect("a CSV line too long is refused whole",
	       csv_line(record.json, small, sizeof(small)) < 0, "accepted");
	record_free(&record);
}

/* The command line tool and the library must agree. */
static void test_sign(void)
{
	struct secret secret = { .bytes = "0123456789abcdef", .length = 16 };
	char hex[SECRET_HEX] = "";

	/* From: printf 1700000000.hello | openssl dgst -sha256 -hmac ... */
	static const char want[] = "adc6dd484b44cd99e9825b07b9475d45999b82cf8071c60272358d4a51fe73e9";

	secret_sign(&secret, 1700000000, "hello", 5, hex);
	expect("the signature is OpenSSL's", strcmp(hex, want) == 0, hex);
}

int main(void)
{
	test_parse();
	test_csv();
	test_sign();
	return failures != 0;
}
