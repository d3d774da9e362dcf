/* tlb.h - TLB shoot-down; see port_flush_tlb(). */
#ifndef X86_TLB_H
#define X86_TLB_H

/* Answer a request addressed to this CPU, if there is one.  IPI, spin loops. */
void tlb_service(void);
/* Flush all non-global entries of this CPU. */
void tlb_flush_local(void);

#endif
