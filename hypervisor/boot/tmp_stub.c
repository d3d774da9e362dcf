#include "hypercall/hc.h"
long hc_domctl(struct hc *hc) { (void)hc; return -ENOSYS; }
long hc_sysctl(struct hc *hc) { (void)hc; return -ENOSYS; }
