/*
 * apart.c - a QEMU plugin for apart.sh: what each CPU does between the two
 * marks of apart-init.c.  At the end prints a line for each,
 * "CPU INSTRUCTIONS WORK", WORK being those of the loop of load/rounds.h,
 * "dec; jnz" to itself.
 */
#include "plugin.h"

#include <stdbool.h>
#include <stdio.h>

#define CPUS 8

/* A CPU each: they run at once. */
static struct count {
	uint64_t all, work;
} __attribute__((aligned(64))) count[CPUS];
static bool counting;

static void on_block(unsigned int cpu, void *data)
{
	if (counting) {
		count[cpu % CPUS].all += (uintptr_t)data;
	}
}

static void on_work(unsigned int cpu, void *data)
{
	if (counting) {
		count[cpu % CPUS].all += (uintptr_t)data;
		count[cpu % CPUS].work += (uintptr_t)data;
	}
}

static void on_mark(unsigned int cpu, void *data)
{
	(void)cpu;
	counting = data != NULL;
}

/* The block that a round consists of: the loop without its first time. */
static bool is_work(const struct qemu_plugin_tb *tb)
{
	const uint8_t *dec, *jnz;

	if (qemu_plugin_tb_n_insns(tb) != 2) {
		return false;
	}
	dec = qemu_plugin_insn_data(qemu_plugin_tb_get_insn(tb, 0));
	jnz = qemu_plugin_insn_data(qemu_plugin_tb_get_insn(tb, 1));
	return (dec[0] & 0xfe) == 0x48 && dec[1] == 0xff &&
	       (dec[2] & 0xf8) == 0xc8 && jnz[0] == 0x75 && jnz[1] == (uint8_t)-5;
}

static void on_translate(plugin_id id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb);

	(void)id;
	qemu_plugin_register_vcpu_tb_exec_cb(
		tb, is_work(tb) ? on_work : on_block, CB_NO_REGS, (void *)n);
	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		enum mark mark = plugin_mark(insn);

		if (mark == MARK_BEGIN || mark == MARK_END) {
			qemu_plugin_register_vcpu_insn_exec_cb(
				insn, on_mark, CB_NO_REGS,
				mark == MARK_BEGIN ? &counting : NULL);
		}
	}
}

static void write_out(plugin_id id, void *data)
{
	FILE *f = fopen(getenv("PLUGIN_OUT"), "w");

	(void)id;
	(void)data;
	if (!f) {
		return;
	}
	for (unsigned int i = 0; i < CPUS && count[i].all; i++) {
		fprintf(f, "%u %llu %llu\n", i,
			(unsigned long long)count[i].all,
			(unsigned long long)count[i].work);
	}
	fclose(f);
}

int qemu_plugin_install(plugin_id id, const struct qemu_info_t *info, int argc,
			char **argv)
{
	(void)info;
	(void)argc;
	(void)argv;
	return plugin_start(id, on_translate, write_out);
}
