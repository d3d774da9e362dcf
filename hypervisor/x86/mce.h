/*
 * mce.h - machine checks: report, and stop when data was lost.
 */
#ifndef X86_MCE_H
#define X86_MCE_H

#include "include/types.h"

/* Clear old records (reporting them), switch reporting on.  Each CPU. */
void mce_init_cpu(void);
/*
 * #MC, on its own stack: prints the banks.  Returns if the CPU may go on,
 * else panics.
 */
void mce_handle(void);
/* Report corrected errors of this CPU; returns how many.  Now and then. */
unsigned int mce_poll(void);

#endif
