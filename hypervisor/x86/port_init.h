/* port_init.h - what x86/ knows of port.c. */
#ifndef X86_PORT_INIT_H
#define X86_PORT_INIT_H

#include "include/types.h"

/* Is a CPU printing its last words? */
bool port_panicking(void);
/* Say what the CPUs' messages to each other do; after irq_init(). */
void port_init_ipis(void);

#endif
