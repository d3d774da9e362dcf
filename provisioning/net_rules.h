/*
 * net_rules.h - the nftables and tc text for one vif (pure; no system calls).
 *
 * Everything a customer can influence is parsed into numbers and printed anew,
 * so no byte of a request reaches nft's or tc's parser.
 */
#ifndef SERAI_NET_RULES_H
#define SERAI_NET_RULES_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "net.h"

#define NET_RULES_MAX 8192

/**
 * Fill @nft (for nft -f, one transaction) and @tc (for tc -batch) with the
 * rules of @rules; both hold NET_RULES_MAX bytes.  The chains are bound to the
 * interface, so loading @nft is -ENOENT to the kernel until that exists.
 * Returns 0 or -EINVAL with the field named in @err.
 */
int net_rules_format(const struct vif_rules *rules, char *nft, char *tc,
		     struct err *err);

/**
 * netback's own limit on what a guest sends, as its xenstore key "rate" wants
 * it ("bytes,microseconds"); "" when unlimited.
 */
void net_rules_netback_rate(const struct vif_rules *rules, char out[48]);

#endif
