/* version.h - what xen_version tells that others know. */
#ifndef HYPERCALL_VERSION_H
#define HYPERCALL_VERSION_H

/* The hypervisor's own command line, for XENVER_commandline.  Start-up. */
void version_set_command_line(const char *line);

#endif
