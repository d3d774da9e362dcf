/* context_test.c - a vCPU's whole state, given by a guest or a toolstack. */
#include "hypercall/context.h"
#include "test/unit/world.h"

#include <xen/vcpu.h>

#define CONTEXT_AT 0x1000

/* What a vCPU without any tables may be given: they are "the same" ones. */
static struct vcpu_guest_context *blank_context(unsigned long flags)
{
	struct vcpu_guest_context *c = fake_guest(CONTEXT_AT);

	memset(c, 0, sizeof(*c));
	c->flags = flags;
	return c;
}

/* Without a root there is nothing to load into cr3. */
TEST(context_user_mode_needs_a_user_root)
{
	struct domain *d = world_domain(1, 2);
	struct vcpu *v = d->vcpu[1];

	CHECK_EQ(context_set(v, blank_context(VGCF_in_kernel), true), 0);
	CHECK(v->mode & VF_KERNEL);
	CHECK_EQ(context_set(v, blank_context(0), true), -EINVAL);
	CHECK(v->mode & VF_KERNEL);
	world_kill(d);
}

/* What another vCPU's VCPUOP_initialise and VCPUOP_up do meanwhile. */
static struct vcpu *racing;

static void other_was_first(void)
{
	racing->initialised = true;
	racing->running = true;
	spin_unlock(&racing->domain->mmu_lock);
	fake_relax_hook = NULL;
}

/* Two initialise one vCPU; it already runs when the second has the lock. */
TEST(context_of_a_running_vcpu_stays)
{
	struct domain *d = world_domain(1, 2);
	struct vcpu *v = d->vcpu[1];

	blank_context(0)->ctrlreg[1] = 1 << PAGE_SHIFT;
	racing = v;
	v->initialised = false;
	spin_lock(&d->mmu_lock);
	fake_relax_hook = other_was_first;
	CHECK_EQ(world_call(d->vcpu[0], __HYPERVISOR_vcpu_op,
			    VCPUOP_initialise, 1, fake_gva(CONTEXT_AT).v, 0),
		 -EEXIST);
	CHECK(!fake_relax_hook);
	CHECK(v->mode & VF_KERNEL);
	v->running = false;
	world_kill(d);
}
