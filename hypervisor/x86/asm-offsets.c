/* asm-offsets.c - what the assembler needs to know of C structures. */
#include "core/domain.h"
#include "core/vcpu.h"
#include "x86/current.h"
#include "x86/desc.h"

#define DEFINE(sym, val)                                                       \
	__asm__ volatile("\n->" #sym " %0" : : "i"((long)(val)))
#define REG(sym, field)                                                        \
	DEFINE(REGS_##sym, offsetof(struct cpu_user_regs, field))
#define PCPU(sym, field) DEFINE(PCPU_##sym, offsetof(struct pcpu, field))
#define VCPU(sym, field) DEFINE(VCPU_##sym, offsetof(struct vcpu, field))
#define ENTRY(sym, field)                                                      \
	DEFINE(ENTRY_##sym, offsetof(struct entry_cpu, field))

void asm_offsets(void);
void asm_offsets(void)
{
	REG(r15, r15);
	REG(rbx, rbx);
	REG(r11, r11);
	REG(r10, r10);
	REG(r9, r9);
	REG(r8, r8);
	REG(rax, rax);
	REG(rcx, rcx);
	REG(rdx, rdx);
	REG(rsi, rsi);
	REG(rdi, rdi);
	REG(error, error_code);
	REG(vector, entry_vector);
	REG(rip, rip);
	REG(cs, cs);
	REG(rflags, rflags);
	REG(rsp, rsp);
	REG(ss, ss);
	REG(es, es);
	DEFINE(PCPU_SIZE, sizeof(struct pcpu));
	PCPU(regs, regs);
	PCPU(current, current);
	PCPU(work, work);
	PCPU(cpu, cpu);
	PCPU(xpti, xpti);
	PCPU(scratch, scratch);
	PCPU(iret_vector, iret_vector);
	PCPU(iret_error, iret_error);
	PCPU(entry_page, entry_page);
	VCPU(info, info);
	VCPU(mode, mode);
	VCPU(domain, domain);
	VCPU(hw_kernel_root, hw_kernel_root);
	VCPU(hw_user_root, hw_user_root);
	VCPU(kernel_sp, pv.kernel_sp);
	VCPU(syscall, pv.syscall.address);
	VCPU(syscall_mask, pv.syscall.mask_events);
	VCPU(nmi_masked, pv.nmi_masked);
	VCPU(pf_address, pv.trap[14].address);
	VCPU(pf_cs, pv.trap[14].cs);
	VCPU(pf_flags, pv.trap[14].flags);
	DEFINE(INFO_cr2, offsetof(struct vcpu_info, arch.cr2));
	DEFINE(MMUEXT_addr, offsetof(struct mmuext_op, arg1.linear_addr));
	DEFINE(MMUEXT_op_invlpg_local, MMUEXT_INVLPG_LOCAL);
	DEFINE(HYPERCALL_iret, __HYPERVISOR_iret);
	DEFINE(HYPERCALL_mmuext_op, __HYPERVISOR_mmuext_op);
	DEFINE(DOMID_self, DOMID_SELF);
	DEFINE(DOMAIN_vm_assist, offsetof(struct domain, vm_assist));
	ENTRY(tss, tss);
	ENTRY(scratch_rsp, scratch_rsp);
	ENTRY(scratch_rax, scratch_rax);
	ENTRY(main_top, main_top);
	ENTRY(hv_cr3, hv_cr3);
	ENTRY(guest_cr3, guest_cr3);
	ENTRY(syscall_target, syscall_target);
	ENTRY(syscall32_target, syscall32_target);
	ENTRY(nmi_top, nmi_top);
	ENTRY(mce_top, mce_top);
	ENTRY(df_top, df_top);
	DEFINE(ENTRY_ist_db, ENTRY_IST_DB);
}
