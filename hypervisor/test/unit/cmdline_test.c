/*
 * cmdline_test.c - the hypervisor's options.
 *
 * uses: boot/cmdline.c
 */
#include "boot/cmdline.h"
#include "test/unit/test.h"

#include <stdio.h>
#include <string.h>

static char complaints[512];

static void complain(const char *option, const char *why)
{
	size_t n = strlen(complaints);

	snprintf(complaints + n, sizeof(complaints) - n, "[%s: %s]", option,
		 why);
}

static struct options parse(const char *line)
{
	struct options o;

	complaints[0] = '\0';
	options_init(&o);
	cmdline_parse(line, &o, complain);
	return o;
}

static bool complained(const char *line, const char *what)
{
	parse(line);
	if (strcmp(complaints, what) != 0) {
		fprintf(stderr, "%s: %s\n", line, complaints);
		return false;
	}
	return true;
}

TEST(cmdline_of_the_oracle_runs)
{
	struct options o = parse("console=com1 com1=115200,8n1 dom0_mem=1G "
				 "dom0_max_vcpus=2 loglvl=all noreboot");

	CHECK(complaints[0] == '\0');
	CHECK(o.console_com1 && !o.console_vga);
	CHECK_EQ(o.com1_baud, 115200);
	CHECK_EQ(o.dom0_mem.bytes, 1ull << 30);
	CHECK_EQ(o.dom0_vcpus_max, 2);
	CHECK_EQ(o.loglvl, 4);
	CHECK(o.noreboot);
}

TEST(cmdline_reports_unknown_and_bad_options)
{
	CHECK(complained("frobnicate=1", "[frobnicate: unknown option]"));
	CHECK(complained("loglvl=loud xpti=maybe",
			 "[loglvl: bad value][xpti: bad value]"));
	CHECK(complained("dom0_mem=", "[dom0_mem: bad value]"));
	CHECK(complained("dom0_mem=1Q", "[dom0_mem: bad value]"));
	CHECK(complained("dom0_mem=99999999999999T", "[dom0_mem: bad value]"));
	CHECK(complained("dom0_max_vcpus=0-", ""));
	CHECK(complained("dom0_max_vcpus=4-2", "[dom0_max_vcpus: bad value]"));
	CHECK(complained("dom0_max_vcpus=129",
			 "[dom0_max_vcpus: bad value]"));
	CHECK(complained("maxcpus=0", "[maxcpus: bad value]"));
	CHECK(complained("com1=12345", "[com1: bad value]"));
	CHECK(complained("console=com7", "[console: bad value]"));
	CHECK(complained("console", "[console: bad value]"));
	CHECK(complained("noreboot=2", "[noreboot: bad value]"));
}

TEST(cmdline_ends_at_two_dashes)
{
	CHECK(complained("noreboot -- frobnicate", ""));
}

TEST(cmdline_survives_a_long_word)
{
	static char line[1000];

	memset(line, 'a', sizeof(line) - 1);
	CHECK(complained(line,
			 "[(a word of the command line): too long]"));
}

TEST(cmdline_com1_forms)
{
	CHECK_EQ(parse("com1=9600").com1_baud, 9600);
	CHECK_EQ(parse("com1=auto").com1_baud, 0);
	CHECK_EQ(parse("com1=115200,8n1,0x2f8").com1_base, 0x2f8);
	CHECK(parse("console=com1,vga").console_vga);
	CHECK(parse("console=none").console_none);
}

TEST(cmdline_vcpu_forms)
{
	struct options o = parse("");

	CHECK_EQ(options_dom0_vcpus(&o, 4), 4);
	o = parse("dom0_max_vcpus=2");
	CHECK_EQ(options_dom0_vcpus(&o, 4), 2);
	CHECK_EQ(options_dom0_vcpus(&o, 1), 2);
	o = parse("dom0_max_vcpus=2-3");
	CHECK_EQ(options_dom0_vcpus(&o, 1), 2);
	CHECK_EQ(options_dom0_vcpus(&o, 8), 3);
	o = parse("dom0_max_vcpus=-3");
	CHECK_EQ(options_dom0_vcpus(&o, 2), 2);
	CHECK_EQ(options_dom0_vcpus(&o, 8), 3);
	o = parse("dom0_max_vcpus=2-");
	CHECK_EQ(options_dom0_vcpus(&o, 8), 8);
}

#define MIB (1ull << 20)

TEST(cmdline_dom0_memory_forms)
{
	struct options o = parse("");

	/* a sixteenth stays, at most 128 MiB */
	CHECK_EQ(options_dom0_bytes(&o, 1024 * MIB), 960 * MIB);
	CHECK_EQ(options_dom0_bytes(&o, 16384 * MIB), 16256 * MIB);
	o = parse("dom0_mem=512M");
	CHECK_EQ(options_dom0_bytes(&o, 4096 * MIB), 512 * MIB);
	CHECK_EQ(options_dom0_bytes(&o, 256 * MIB), 240 * MIB);
	o = parse("dom0_mem=262144"); /* KiB */
	CHECK_EQ(options_dom0_bytes(&o, 4096 * MIB), 256 * MIB);
	o = parse("dom0_mem=-1G");
	CHECK_EQ(options_dom0_bytes(&o, 4096 * MIB), 3072 * MIB);
	o = parse("dom0_mem=-1G,min:512M");
	CHECK_EQ(options_dom0_bytes(&o, 1200 * MIB), 512 * MIB);
	o = parse("dom0_mem=max:256M");
	CHECK_EQ(options_dom0_bytes(&o, 4096 * MIB), 256 * MIB);
	o = parse("dom0_mem=512M,max:256M");
	CHECK_EQ(options_dom0_bytes(&o, 4096 * MIB), 256 * MIB);
}

/* docs/hypervisor-command-line.md has a section for each, and no other. */
TEST(cmdline_is_documented)
{
	char line[256], want[64];
	unsigned int i, sections = 0;
	FILE *f = fopen("docs/hypervisor-command-line.md", "r");
	const char *name;
	bool found;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f)) {
		sections += strncmp(line, "### ", 4) == 0;
	}
	for (i = 0; (name = cmdline_option_name(i)) != NULL; i++) {
		snprintf(want, sizeof(want), "### `%s`", name);
		rewind(f);
		found = false;
		while (!found && fgets(line, sizeof(line), f)) {
			found = strncmp(line, want, strlen(want)) == 0;
		}
		if (!found) {
			fprintf(stderr, "no section %s\n", want);
		}
		CHECK(found);
	}
	fclose(f);
	CHECK_EQ(sections, i);
}
