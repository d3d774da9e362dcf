/*
 * net_rules.c - the nftables and tc text for one vif.
 *
 * Table `netdev serai` holds per vif (here vps7):
 *
 *	vps7_in    ingress, policy drop: everything the guest sends comes here
 *	           before the bridge learns or forwards anything, so it holds
 *	           towards host and neighbours alike
 *	vps7_ip6   the IPv6 part of it, with neighbour discovery
 *	vps7_pass  what was found honest: rate limit, then count
 *	vps7_out   egress: counts what goes to the guest, all but router
 *	           advertisements
 *	vps7_tx, vps7_rx, vps7_bad   counters; unlike the chains they outlive
 *	           the interface, and so the guest's reboots
 *
 * IPv6 rules (RFC 4861, 4862): a guest may speak from its sold address and
 * from the one link-local address that follows from its MAC (EUI-64); from ::
 * only to ask whether those two are taken, and for multicast listener reports.
 * A solicitation or advertisement has at most one option, and that must say
 * the guest's own MAC: nft cannot walk a list of options, so longer ones are
 * refused by length.
 *
 * From-guest policing is done here and not by a tc redirect to an ifb device:
 * a packet that comes back from ifb skips the nft ingress hook.  nft's bucket
 * holds one second's worth besides the burst, so this is the backstop for the
 * long run; netback, which is told the same rate, delays the guest smoothly.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "net_rules.h"

#define KBIT_BYTES 125u			/* bytes per second in one kbit/s */
#define KBIT_MAX   400000000u		/* 400 Gbit/s: no 32-bit overflow in tc */
#define BURST_MIN  131072u		/* two of netback's largest packets */

struct text {
	char *at;
	size_t left;
	bool full;
};

static void add(struct text *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->at, t->left, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= t->left) {
		t->full = true;
		return;
	}
	t->at += n;
	t->left -= (size_t)n;
}

/* The request's strings as numbers, and as nft wants them spelled. */
struct vif {
	char name[16];
	uint8_t mac[6];
	char mac_text[18];
	char mac_hex[15];	/* 0x00163e... */
	char ip4[16];
	char ip6[46];		/* sold, "" when none */
	char ip6_hex[35];
	char ll[46];		/* link-local */
	char ll_hex[35];
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	if (c >= 'a' && c <= 'f') {
		return c - 'a' + 10;
	}
	if (c >= 'A' && c <= 'F') {
		return c - 'A' + 10;
	}
	return -1;
}

static int parse_mac(const char *s, uint8_t mac[6])
{
	if (strlen(s) != 17) {
		return -EINVAL;
	}
	for (int i = 0; i < 6; i++) {
		int hi = hex_digit(s[3 * i]);
		int lo = hex_digit(s[3 * i + 1]);

		if (hi < 0 || lo < 0 || (i < 5 && s[3 * i + 2] != ':')) {
			return -EINVAL;
		}
		mac[i] = (uint8_t)(hi << 4 | lo);
	}
	/* A multicast or all-zero source address is nobody's. */
	return mac[0] & 1 || !memcmp(mac, "\0\0\0\0\0", 6) ? -EINVAL : 0;
}

static void print_hex(char *out, const uint8_t *bytes, size_t count)
{
	out += sprintf(out, "0x");
	for (size_t i = 0; i < count; i++) {
		out += sprintf(out, "%02x", bytes[i]);
	}
}

static int parse_ip6(const struct vif_rules *r, struct vif *v, struct err *err)
{
	struct in6_addr a;

	if (!r->ipv6[0]) {
		return 0;
	}
	if (inet_pton(AF_INET6, r->ipv6, &a) != 1 ||
	    IN6_IS_ADDR_UNSPECIFIED(&a) || IN6_IS_ADDR_LOOPBACK(&a) ||
	    IN6_IS_ADDR_MULTICAST(&a) || IN6_IS_ADDR_LINKLOCAL(&a) ||
	    IN6_IS_ADDR_V4MAPPED(&a)) {
		return err_set(err, -EINVAL, "ipv6: not a unicast address");
	}
	inet_ntop(AF_INET6, &a, v->ip6, sizeof(v->ip6));
	print_hex(v->ip6_hex, a.s6_addr, 16);
	return 0;
}

static int parse_ip4(const struct vif_rules *r, struct vif *v, struct err *err)
{
	struct in_addr a;
	uint32_t host;

	if (!r->ipv4[0]) {
		return 0;
	}
	if (inet_pton(AF_INET, r->ipv4, &a) != 1) {
		return err_set(err, -EINVAL, "ipv4: not an address");
	}
	host = ntohl(a.s_addr);
	if (host >> 24 == 0 || host >> 24 == 127 || host >> 28 >= 14) {
		return err_set(err, -EINVAL, "ipv4: not a unicast address");
	}
	inet_ntop(AF_INET, &a, v->ip4, sizeof(v->ip4));
	return 0;
}

static void derive_link_local(struct vif *v)
{
	struct in6_addr a = {.s6_addr = {0xfe, 0x80}};

	a.s6_addr[8] = v->mac[0] ^ 2;
	a.s6_addr[9] = v->mac[1];
	a.s6_addr[10] = v->mac[2];
	a.s6_addr[11] = 0xff;
	a.s6_addr[12] = 0xfe;
	memcpy(&a.s6_addr[13], &v->mac[3], 3);
	inet_ntop(AF_INET6, &a, v->ll, sizeof(v->ll));
	print_hex(v->ll_hex, a.s6_addr, 16);
}

static int parse_vif(const struct vif_rules *r, struct vif *v, struct err *err)
{
	int rc;

	memset(v, 0, sizeof(*v));
	net_vif_name(v->name, r->id);
	if (r->id == 0 || strcmp(v->name, r->vifname)) {
		return err_set(err, -EINVAL, "vifname: must be vps and the id");
	}
	if (parse_mac(r->mac, v->mac)) {
		return err_set(err, -EINVAL,
			       "mac: must be a unicast aa:bb:cc:dd:ee:ff");
	}
	snprintf(v->mac_text, sizeof(v->mac_text),
		 "%02x:%02x:%02x:%02x:%02x:%02x", v->mac[0], v->mac[1],
		 v->mac[2], v->mac[3], v->mac[4], v->mac[5]);
	print_hex(v->mac_hex, v->mac, 6);
	derive_link_local(v);
	rc = parse_ip4(r, v, err);
	if (!rc) {
		rc = parse_ip6(r, v, err);
	}
	if (!rc && (r->rate_kbit_in > KBIT_MAX || r->rate_kbit_out > KBIT_MAX)) {
		rc = err_set(err, -EINVAL, "rate: at most %u kbit/s", KBIT_MAX);
	}
	return rc;
}

/* Enough for 10 ms, and never less than netback may hand over at once. */
static uint64_t burst_bytes(uint64_t kbit)
{
	uint64_t burst = kbit * KBIT_BYTES / 100;

	return burst > BURST_MIN ? burst : BURST_MIN;
}

static void add_objects(struct text *t, const struct vif *v)
{
	static const char *const counters[] = {"rx", "tx", "bad"};
	static const char *const chains[] = {"in", "ip6", "pass", "out"};
	const char *n = v->name;

	add(t, "add table netdev serai\n");
	for (size_t i = 0; i < 3; i++) {
		add(t, "add counter netdev serai %s_%s\n", n, counters[i]);
	}
	add(t,
	    "add chain netdev serai %s_in { type filter hook ingress device "
	    "\"%s\" priority 0; policy drop; }\n",
	    n, n);
	add(t, "add chain netdev serai %s_ip6\n", n);
	add(t, "add chain netdev serai %s_pass\n", n);
	add(t,
	    "add chain netdev serai %s_out { type filter hook egress device "
	    "\"%s\" priority 0; policy accept; }\n",
	    n, n);
	/* Same names on a live interface: replace the rules in one step. */
	for (size_t i = 0; i < 4; i++) {
		add(t, "flush chain netdev serai %s_%s\n", n, chains[i]);
	}
}

/* "bad" for the rest of the line's packets: count and drop. */
static void add_bad(struct text *t, const struct vif *v, const char *chain,
		    const char *match)
{
	add(t, "add rule netdev serai %s_%s %s counter name \"%s_bad\" drop\n",
	    v->name, chain, match, v->name);
}

static void add_pass(struct text *t, const struct vif *v, const char *chain,
		     const char *match)
{
	add(t, "add rule netdev serai %s_%s %s goto %s_pass\n", v->name, chain,
	    match, v->name);
}

static void add_ingress(struct text *t, const struct vif *v)
{
	char m[256];

	snprintf(m, sizeof(m), "ether saddr != %s", v->mac_text);
	add_bad(t, v, "in", m);
	/* Also refuses VLAN tags: the type of a tagged frame is 0x8100. */
	add_bad(t, v, "in", "ether type != { arp, ip, ip6 }");
	if (v->ip4[0]) {
		/* 0.0.0.0 asks whether an address is taken: RFC 5227. */
		snprintf(m, sizeof(m),
			 "ether type arp arp htype 1 arp ptype ip arp hlen 6 "
			 "arp plen 4 arp saddr ether %s arp operation request "
			 "arp saddr ip { 0.0.0.0, %s }",
			 v->mac_text, v->ip4);
		add_pass(t, v, "in", m);
		snprintf(m, sizeof(m),
			 "ether type arp arp htype 1 arp ptype ip arp hlen 6 "
			 "arp plen 4 arp saddr ether %s arp operation reply "
			 "arp saddr ip %s",
			 v->mac_text, v->ip4);
		add_pass(t, v, "in", m);
		/* A guest is no DHCP server and no multicast querier. */
		add_bad(t, v, "in", "ether type ip udp sport 67");
		add_bad(t, v, "in", "ether type ip igmp type membership-query");
		snprintf(m, sizeof(m), "ether type ip ip saddr %s", v->ip4);
		add_pass(t, v, "in", m);
	}
	add(t, "add rule netdev serai %s_in ether type ip6 goto %s_ip6\n",
	    v->name, v->name);
	add_bad(t, v, "in", "");
}

/* A neighbour message about @addr (NULL: about anybody) with at most one
 * link-layer option @option, which must be the guest's own MAC. */
static void add_nd(struct text *t, const struct vif *v, int type,
		   const char *own, const char *target_hex, int option)
{
	char m[384], about[64] = "";

	if (target_hex) {
		snprintf(about, sizeof(about), "@th,64,128 %s ", target_hex);
	}
	snprintf(m, sizeof(m), "icmpv6 type %d ip6 saddr %s %sip6 length 24",
		 type, own, about);
	add_pass(t, v, "ip6", m);
	snprintf(m, sizeof(m),
		 "icmpv6 type %d ip6 saddr %s %sip6 length 32 "
		 "@th,192,16 0x%02x01 @th,208,48 %s",
		 type, own, about, option, v->mac_hex);
	add_pass(t, v, "ip6", m);
}

/* Duplicate address detection for @target; may carry a nonce (RFC 7527). */
static void add_dad(struct text *t, const struct vif *v, const char *target)
{
	char m[256];

	snprintf(m, sizeof(m),
		 "icmpv6 type 135 ip6 saddr :: @th,64,128 %s ip6 length 24",
		 target);
	add_pass(t, v, "ip6", m);
	snprintf(m, sizeof(m),
		 "icmpv6 type 135 ip6 saddr :: @th,64,128 %s ip6 length 32 "
		 "@th,192,16 0x0e01",
		 target);
	add_pass(t, v, "ip6", m);
}

static void add_ip6(struct text *t, const struct vif *v)
{
	char own[128], m[256];

	if (v->ip6[0]) {
		snprintf(own, sizeof(own), "{ %s, %s }", v->ip6, v->ll);
	} else {
		snprintf(own, sizeof(own), "%s", v->ll);
	}
	/* Receivers drop fragmented discovery (RFC 6980); make sure of it. */
	add_bad(t, v, "ip6", "ip6 daddr ff02::/16 ip6 nexthdr 44");
	add_bad(t, v, "ip6", "icmpv6 type 133-137 ip6 nexthdr != 58");
	add_bad(t, v, "ip6", "icmpv6 type 133-137 ip6 hoplimit != 255");
	add_bad(t, v, "ip6", "icmpv6 type 133-137 icmpv6 code != 0");
	add_nd(t, v, 135, own, NULL, 1);
	add_nd(t, v, 136, own, v->ll_hex, 2);
	add_dad(t, v, v->ll_hex);
	if (v->ip6[0]) {
		add_nd(t, v, 136, own, v->ip6_hex, 2);
		add_dad(t, v, v->ip6_hex);
	}
	/* Router solicitation: 8 bytes, then the same option. */
	snprintf(m, sizeof(m), "icmpv6 type 133 ip6 saddr { ::, %s } "
		 "ip6 length 8", v->ll);
	add_pass(t, v, "ip6", m);
	snprintf(m, sizeof(m),
		 "icmpv6 type 133 ip6 saddr %s ip6 length 16 "
		 "@th,64,16 0x0101 @th,80,48 %s",
		 v->ll, v->mac_hex);
	add_pass(t, v, "ip6", m);
	/* The rest of discovery, advertising a router above all; queries. */
	add_bad(t, v, "ip6", "icmpv6 type { 130, 133-137, 141-142, 148-149, "
			     "151-153 }");
	add_bad(t, v, "ip6", "udp sport 547");
	add_pass(t, v, "ip6", "icmpv6 type { 131, 132, 143 } ip6 saddr :: "
			      "ip6 daddr ff02::/16");
	snprintf(m, sizeof(m), "ip6 saddr %s", own);
	add_pass(t, v, "ip6", m);
	add_bad(t, v, "ip6", "");
}

static void add_counting(struct text *t, const struct vif *v,
			 const struct vif_rules *r)
{
	if (r->rate_kbit_out) {
		add(t,
		    "add rule netdev serai %s_pass limit rate over %" PRIu64
		    " bytes/second burst %" PRIu64 " bytes drop\n",
		    v->name, r->rate_kbit_out * KBIT_BYTES,
		    burst_bytes(r->rate_kbit_out));
	}
	add(t, "add rule netdev serai %s_pass counter name \"%s_tx\" accept\n",
	    v->name, v->name);
	/* Addresses are sold, not advertised: one that a guest took from an
	 * advertisement would only be refused when it speaks from it. */
	add(t, "add rule netdev serai %s_out icmpv6 type 134 drop\n", v->name);
	add(t, "add rule netdev serai %s_out counter name \"%s_rx\" accept\n",
	    v->name, v->name);
}

int net_rules_format(const struct vif_rules *rules, char *nft, char *tc,
		     struct err *err)
{
	struct text nt = {nft, NET_RULES_MAX, false};
	struct text tt = {tc, NET_RULES_MAX, false};
	struct vif v;
	int rc = parse_vif(rules, &v, err);

	if (rc) {
		return rc;
	}
	add_objects(&nt, &v);
	add_ingress(&nt, &v);
	add_ip6(&nt, &v);
	add_counting(&nt, &v, rules);
	if (rules->rate_kbit_in) {
		add(&tt,
		    "qdisc replace dev %s root tbf rate %" PRIu64
		    "kbit burst %" PRIu64 " latency 100ms\n",
		    v.name, rules->rate_kbit_in,
		    burst_bytes(rules->rate_kbit_in));
	} else {
		add(&tt, "qdisc replace dev %s root pfifo limit 1000\n",
		    v.name);
	}
	if (nt.full || tt.full) {
		return err_set(err, -EINVAL, "rules do not fit");
	}
	return 0;
}

void net_rules_netback_rate(const struct vif_rules *rules, char out[48])
{
	out[0] = '\0';
	if (rules->rate_kbit_out) {
		/* Credit for 50 ms at a time, as xl's rate= does. */
		snprintf(out, 48, "%" PRIu64 ",50000",
			 rules->rate_kbit_out * KBIT_BYTES / 20);
	}
}
