/*
 * exits.c - a QEMU plugin: what brings guests into the hypervisor, how often,
 * and how many instructions it then spends, until it is left again.  Writes
 * "PHASE WHAT TIMES INSTRUCTIONS" to $PLUGIN_OUT; each mark (calls.c) begins
 * a phase.
 *
 * What an entry is for tells the guest's last special instruction: a port,
 * RDTSC, UD2 (Linux's forced CPUID), or a hypercall, by the number (and
 * vcpu_op's command) that the block loads which makes it or calls Linux's
 * function for it, or else by that block's address.  Else it is "trap": faults
 * and interrupts.  A call that waits or is switched away from costs what the
 * hypervisor does up to the next guest's instruction.
 */
#include "../bench.d/plugin.h"

#include <stdbool.h>
#include <stdio.h>

#define HV_FIRST 0xffff800000000000u
#define HV_LAST	 0xffff87ffffffffffu
#define PHASES	 16
#define KINDS	 512
#define VCPU_OP	 24

static struct kind {
	char name[32];
	uint64_t times[PHASES], instructions[PHASES];
} kinds[KINDS];
static struct kind *last, *inside; /* inside: NULL in a guest */
static unsigned int phase;

/* A block of guest code, and the constants that it loads into EAX and EDI, or
 * -1; as what a hypercall counts that it makes. */
struct block {
	uint64_t address;
	uintptr_t instructions;
	int eax, edi;
	struct kind *kind;
};
static struct block *now, *before; /* but for those that only jump */

static struct kind *kind_get(const char *name)
{
	struct kind *k = kinds;

	while (k->name[0] && k < &kinds[KINDS - 1] && strcmp(k->name, name)) {
		k++;
	}
	snprintf(k->name, sizeof(k->name), "%s", name);
	return k;
}

static void on_hypervisor(unsigned int cpu, void *instructions)
{
	(void)cpu;
	if (!inside) {
		inside = last;
		inside->times[phase]++;
	}
	inside->instructions[phase] += (uintptr_t)instructions;
}

static void on_guest(unsigned int cpu, void *block)
{
	struct block *b = block;

	(void)cpu;
	if (b->instructions > 1) {
		before = now;
		now = b;
	}
	inside = NULL;
	last = &kinds[0];
	kinds[1].times[phase]++;
	kinds[1].instructions[phase] += b->instructions;
}

static void on_special(unsigned int cpu, void *kind)
{
	(void)cpu;
	last = kind;
}

static void on_next(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	phase += phase < PHASES - 1;
}

static void on_hypercall(unsigned int cpu, void *data)
{
	struct block *b = now->eax < 0 ? before : now;
	char name[32];

	(void)cpu;
	(void)data;
	if (!b->kind) {
		if (b->eax < 0) {
			snprintf(name, sizeof(name), "hypercall@%llx",
				 (unsigned long long)b->address);
		} else if (b->eax == VCPU_OP) {
			snprintf(name, sizeof(name), "vcpu_op.%d", b->edi);
		} else {
			snprintf(name, sizeof(name), "hypercall.%d", b->eax);
		}
		b->kind = kind_get(name);
	}
	last = b->kind;
}

static void on_translate(plugin_id id, struct qemu_plugin_tb *tb)
{
	uint64_t address = qemu_plugin_tb_vaddr(tb);
	uintptr_t n = qemu_plugin_tb_n_insns(tb);
	bool hv = address >= HV_FIRST && address <= HV_LAST;
	struct block *b = calloc(1, sizeof(*b));

	(void)id;
	*b = (struct block){address, n, -1, -1, NULL};
	qemu_plugin_register_vcpu_tb_exec_cb(tb, hv ? on_hypervisor : on_guest,
					     CB_NO_REGS, hv ? (void *)n : b);
	for (size_t i = 0; i < n && !hv; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		const uint8_t *code = qemu_plugin_insn_data(insn);
		size_t size = qemu_plugin_insn_size(insn);
		const char *what = NULL;
		char port[24];

		if (plugin_mark(insn) == MARK_NEXT) {
			qemu_plugin_register_vcpu_insn_exec_cb(
				insn, on_next, CB_NO_REGS, NULL);
		} else if (size == 5 && (code[0] == 0xb8 || code[0] == 0xbf)) {
			memcpy(code[0] == 0xb8 ? &b->eax : &b->edi, code + 1,
			       sizeof(b->eax));
		} else if (size == 2 && (code[0] == 0x31 || code[0] == 0x33)) {
			b->eax = code[1] == 0xc0 ? 0 : b->eax;
			b->edi = code[1] == 0xff ? 0 : b->edi;
		} else if (size == 2 && !memcmp(code, "\x0f\x05", 2)) {
			if (address < HV_FIRST) {
				what = "system-call";
			} else {
				qemu_plugin_register_vcpu_insn_exec_cb(
					insn, on_hypercall, CB_NO_REGS, NULL);
			}
		} else if (size == 2 && !memcmp(code, "\x0f\x31", 2)) {
			what = "rdtsc";
		} else if (size == 2 && !memcmp(code, "\x0f\x0b", 2)) {
			what = "ud2";
		} else if (size == 2 && (code[0] & 0xfc) == 0xe4) {
			snprintf(port, sizeof(port), "%s.0x%x",
				 code[0] & 2 ? "out" : "in", code[1]);
			what = port;
		} else if (size == 1 && (code[0] & 0xfc) == 0xec) {
			what = code[0] & 2 ? "out.dx" : "in.dx";
		}
		if (what) {
			qemu_plugin_register_vcpu_insn_exec_cb(
				insn, on_special, CB_NO_REGS, kind_get(what));
		}
	}
}

static void write_out(plugin_id id, void *data)
{
	FILE *f = fopen(getenv("PLUGIN_OUT"), "w");

	(void)id;
	(void)data;
	for (unsigned int p = 0; f && p <= phase; p++) {
		for (struct kind *k = kinds; k < &kinds[KINDS]; k++) {
			if (k->times[p]) {
				fprintf(f, "%u %s %llu %llu\n", p, k->name,
					(unsigned long long)k->times[p],
					(unsigned long long)k->instructions[p]);
			}
		}
	}
	if (f) {
		fclose(f);
	}
}

int qemu_plugin_install(plugin_id id, const struct qemu_info_t *info, int argc,
			char **argv)
{
	(void)info;
	(void)argc;
	(void)argv;
	last = kind_get("trap");
	kind_get("guests'-own");
	return plugin_start(id, on_translate, write_out);
}
