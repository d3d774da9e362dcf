/*
 * orphan.h - a child that must not outlive its parent.
 */
#ifndef SERAI_ORPHAN_H
#define SERAI_ORPHAN_H

#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <unistd.h>

/**
 * From now on the caller is killed when @parent, its own, ends; after any
 * setuid(), which undoes it.  False: that has happened already, before there
 * was anybody to tell the kernel, and the caller has to end by itself.
 */
static inline bool orphan_prevent(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return getppid() == parent;
}

#endif
