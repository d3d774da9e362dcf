/* port_init.h - start-up of port.c. */
#ifndef X86_PORT_INIT_H
#define X86_PORT_INIT_H

/* Say what the CPUs' messages to each other do; after irq_init(). */
void port_init_ipis(void);

#endif
