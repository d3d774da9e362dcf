/*
 * cpu_policy.h - what CPUID (and a few MSRs) tell a guest, as data.
 *
 * A policy is a list of leaves sorted by (leaf, subleaf).  Four exist from
 * start-up on:
 *	raw		what the CPU says
 *	host		what the hypervisor makes use of (today: raw)
 *	pv_max		the most a PV guest may be given
 *	pv_default	what it is given if nobody asks otherwise
 * and each domain has one of its own, which a toolstack may narrow or change
 * within pv_max before the domain runs.
 *
 * Leaves 0x40000000... are made on the fly and are not in any policy.
 * Nothing here touches hardware: x86/cpuid.c reads the CPU and hands it in.
 */
#ifndef CORE_CPU_POLICY_H
#define CORE_CPU_POLICY_H

#include "include/abi.h"
#include "include/types.h"

#define CPU_POLICY_LEAVES 96
#define CPU_POLICY_MSRS	  2
/* Words of a feature set, as XEN_SYSCTL_get_cpu_featureset counts them. */
#define CPU_FEATURE_WORDS 19

struct domain_policy {
	uint32_t leaf_count, msr_count;
	xen_cpuid_leaf_t leaf[CPU_POLICY_LEAVES];
	xen_msr_entry_t msr[CPU_POLICY_MSRS];
};

/* XEN_SYSCTL_cpu_policy_* as index; NULL if there is none (hvm). */
struct domain_policy *cpu_policy_system(unsigned int index);

/*
 * Read a whole policy through `read`; subleaves as each leaf needs them.
 * Start-up.
 */
typedef void cpu_policy_read_fn(uint32_t leaf, uint32_t subleaf,
				uint32_t out[4]);
void cpu_policy_from_cpu(struct domain_policy *p, cpu_policy_read_fn *read);

/* What the hypervisor can do for its guests beyond forwarding. */
struct cpu_policy_means {
	uint64_t xcr0; /* XSAVE parts it switches; 0: no XSAVE */
	bool fsgsbase;
	bool has_arch_caps; /* give guests ARCH_CAPABILITIES, */
	uint64_t arch_caps; /* with the bits of this that are meant for them */
};

/* Fill the four system policies out of `raw`.  Start-up. */
void cpu_policy_init(const struct domain_policy *raw,
		     const struct cpu_policy_means *means);
/* d's own policy, as a copy of pv_default (dom0 sees MTRR too). */
void cpu_policy_domain_init(struct domain_policy *p, bool privileged);

/* The leaf as stored; zeroes beyond the list, as a CPU would answer. */
void cpu_policy_get(const struct domain_policy *p, uint32_t leaf,
		    uint32_t subleaf, uint32_t out[4]);
/*
 * A toolstack sets one leaf of a domain's policy.  Feature bits beyond
 * pv_max are refused.  0, -EINVAL, -ENOSPC.
 */
int cpu_policy_set(struct domain_policy *p, const xen_cpuid_leaf_t *leaf);
/* An MSR of the policy; false if the policy does not have it. */
bool cpu_policy_get_msr(const struct domain_policy *p, uint32_t msr,
			uint64_t *val);
/*
 * A toolstack sets an MSR: zero, or no bit that pv_max does not have.
 * 0, -EINVAL.
 */
int cpu_policy_set_msr(struct domain_policy *p, const xen_msr_entry_t *m);
/* The feature words of a policy; n is CPU_FEATURE_WORDS. */
void cpu_policy_features(const struct domain_policy *p, uint32_t *words);

#endif
