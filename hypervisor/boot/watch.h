/* watch.h - what the hypervisor looks after every minute. */
#ifndef BOOT_WATCH_H
#define BOOT_WATCH_H

/*
 * From now on this CPU looks for corrected hardware errors (x86/mce.h) once
 * a minute, so that a failing memory module is in the log before it fails.
 */
void watch_start(unsigned int cpu);

#endif
