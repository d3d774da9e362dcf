/* context_test.c - a vCPU's state given by its own guest, and by toolstacks. */
#include "test/unit/mm.h"
#include "test/unit/world.h"
#include "hypercall/context.h"

static struct domain *dom0, *a;
static struct mm_space space;
static struct vcpu_guest_context *context; /* in guest memory */

static void setup(void)
{
	dom0 = world_domain(0, 1);
	a = world_domain(1, 2);
	a->vcpu[1]->initialised = false;
	world_start(a);
	fake_cpu = a->vcpu[0]->cpu;
	vcpu_down(a->vcpu[1]);
	mm_space_build(a, &space);
	context = fake_guest(0);
	memset(context, 0, sizeof(*context));
	context->flags = VGCF_in_kernel;
	context->ctrlreg[3] = space.l4.v << PAGE_SHIFT;
	context->user_regs.rip = 0x1000;
}

static long vcpu_op(unsigned int cmd)
{
	return world_call(a->vcpu[0], __HYPERVISOR_vcpu_op, cmd, 1,
			  fake_gva(0).v, 0);
}

/* One that was first with vCPU 1, and lets it run. */
static void give_other_context(void)
{
	a->mmu_lock.owner++;
	a->vcpu[1]->regs.rip = 0x2000;
	a->vcpu[1]->initialised = true;
	vcpu_up(a->vcpu[1]);
}

/* Two vCPUs initialise a third: the second comes when it runs already. */
TEST(context_of_a_vcpu_that_runs_stays)
{
	setup();
	spin_lock(&a->mmu_lock);
	fake_relax_hook = give_other_context;
	CHECK_EQ(vcpu_op(VCPUOP_initialise), -EEXIST);
	CHECK(!fake_relax_hook);
	CHECK_EQ(a->vcpu[1]->regs.rip, 0x2000);
}

/* There is no root to run it with; the CPU would load 0. */
TEST(context_in_user_mode_needs_a_user_root)
{
	struct vcpu *v;

	setup();
	v = a->vcpu[1];
	context->flags = 0;
	CHECK_EQ(vcpu_op(VCPUOP_initialise), -EINVAL);
	CHECK(!v->initialised);
	context->flags = VGCF_in_kernel;
	CHECK_EQ(vcpu_op(VCPUOP_initialise), 0);
	/* Nor by a toolstack that changes its registers. */
	context->flags = 0;
	CHECK_EQ(context_set(v, context, true), -EINVAL);
	CHECK(v->mode & VF_KERNEL);
	context->ctrlreg[1] = 1;
	CHECK(context_set(v, context, true) != 0);
	CHECK(v->mode & VF_KERNEL);
	world_kill(a);
}

/* What was validated in vain may be a lot: it is let go a bit at a time. */
TEST(context_refused_can_be_interrupted)
{
	bool left = false;
	long n;

	setup();
	/* Its tables are validated with the first root. */
	context->ctrlreg[1] = 1ULL << 40;
	for (n = 0; n < 100 && !left; n++) {
		fake_yield_at(n);
		CHECK_EQ(vcpu_op(VCPUOP_initialise), -EINVAL);
		left = a->pt_work != 0;
	}
	CHECK(left);
	fake_yield_at(-1);
	CHECK_EQ(vcpu_op(VCPUOP_initialise), -EINVAL);
	CHECK_EQ(frame_of(space.l4)->type & FT_COUNT_MASK, 0);
	ptype_audit(a);
}
