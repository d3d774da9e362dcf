/*
 * plugin.h - what profile.c, apart.c and the laboratory's exits.c share: QEMU's
 * plugin interface (version 1), declared here because Debian packages no header
 * (docs/devel/tcg-plugins of QEMU), and the marks by which the programs that
 * are measured tell a plugin where to begin.
 *
 * A mark is a NOP with a displacement that nothing else has:
 * nopl 0x5e7a1000+ID(%rax).
 */
#ifndef BENCH_PLUGIN_H
#define BENCH_PLUGIN_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

#define MARK_BYTES "\x0f\x1f\x80"
#define MARK	   0x5e7a1000u
enum mark { MARK_END, MARK_BEGIN, MARK_NEXT, MARK_NONE };

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info_t;
enum { CB_NO_REGS };

typedef uint64_t plugin_id;
typedef void trans_fn(plugin_id id, struct qemu_plugin_tb *tb);
typedef void exec_fn(unsigned int cpu, void *data);
typedef void exit_fn(plugin_id id, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, trans_fn *fn);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  exec_fn *fn, int flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    exec_fn *fn, int flags, void *data);
void qemu_plugin_register_atexit_cb(plugin_id id, exit_fn *fn, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *,
						 size_t i);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(plugin_id id, const struct qemu_info_t *info,
			       int argc, char **argv);

/* Which mark this instruction is. */
static inline enum mark plugin_mark(const struct qemu_plugin_insn *insn)
{
	const uint8_t *code = qemu_plugin_insn_data(insn);
	uint32_t disp;

	if (qemu_plugin_insn_size(insn) != 7 || memcmp(code, MARK_BYTES, 3)) {
		return MARK_NONE;
	}
	memcpy(&disp, code + 3, sizeof(disp));
	return disp - MARK < MARK_NONE ? (enum mark)(disp - MARK) : MARK_NONE;
}

/* What to do with each new block and at the end, which writes to $PLUGIN_OUT. */
static inline int plugin_start(plugin_id id, trans_fn *on_block, exit_fn *on_end)
{
	if (!getenv("PLUGIN_OUT")) {
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_block);
	qemu_plugin_register_atexit_cb(id, on_end, NULL);
	return 0;
}

#endif
