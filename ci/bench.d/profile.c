/*
 * profile.c - a QEMU plugin: how often each block of guest code runs between
 * the two marks of micro.c.  At the end prints "ADDRESS INSTRUCTIONS TIMES",
 * one line per block, addresses as 16 hexadecimal digits.
 *
 * A block that leaves early by a fault counts as a whole; the error is small.
 * One CPU.
 */
#include "plugin.h"

#include <stdbool.h>
#include <stdio.h>

#define RUNS 16

struct block {
	uint64_t address, instructions, times[RUNS];
	struct block *next;
};
static struct block *blocks;
static bool counting;
static unsigned int run;

static void on_block(unsigned int cpu, void *data)
{
	struct block *b = data;

	(void)cpu;
	b->times[run] += counting;
}

static void on_mark(unsigned int cpu, void *data)
{
	(void)cpu;
	counting = data != NULL;
}

static void on_next(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	run += run < RUNS - 1;
}

static void find_mark(struct qemu_plugin_insn *insn)
{
	enum mark mark = plugin_mark(insn);

	if (mark == MARK_NEXT) {
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_next,
						       CB_NO_REGS, NULL);
	} else if (mark != MARK_NONE) {
		qemu_plugin_register_vcpu_insn_exec_cb(
			insn, on_mark, CB_NO_REGS,
			mark == MARK_BEGIN ? &counting : NULL);
	}
}

static void on_translate(plugin_id id, struct qemu_plugin_tb *tb)
{
	struct block *b = calloc(1, sizeof(*b));

	(void)id;
	b->address = qemu_plugin_tb_vaddr(tb);
	b->instructions = qemu_plugin_tb_n_insns(tb);
	b->next = blocks;
	blocks = b;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, CB_NO_REGS, b);
	for (size_t i = 0; i < b->instructions; i++) {
		find_mark(qemu_plugin_tb_get_insn(tb, i));
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
	for (struct block *b = blocks; b; b = b->next) {
		for (unsigned int r = 0; r < RUNS; r++) {
			if (b->times[r]) {
				fprintf(f, "%u %016llx %llu %llu\n", r,
					(unsigned long long)b->address,
					(unsigned long long)b->instructions,
					(unsigned long long)b->times[r]);
			}
		}
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
