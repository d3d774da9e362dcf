/*
 * frames_case.c - the table of cases, how each frame is built, and how it is
 * known again.  Without the filter every one of them arrives.
 */
#include <arpa/inet.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <string.h>

#include "frames.h"

#define MARK	  "SERAI-FRAME:"
#define FLOW_MARK 0xa5000u	/* upper 8 of the 20 bits of a flow label */

struct who me, vic, host;

static const uint8_t any4[4], any6[16];
static const uint8_t other4[4] = {192, 0, 2, 77};
static const uint8_t other6[16] = {0x20, 1, 0xd, 0xb8, [15] = 0x77};

static void put(struct frame *f, const void *bytes, size_t n)
{
	memcpy(f->b + f->len, bytes, n);
	f->len += n;
}

static void put8(struct frame *f, unsigned int v)
{
	f->b[f->len++] = (uint8_t)v;
}

static void put16(struct frame *f, unsigned int v)
{
	put8(f, v >> 8);
	put8(f, v & 255);
}

static void set16(struct frame *f, size_t at, unsigned int v)
{
	f->b[at] = (uint8_t)(v >> 8);
	f->b[at + 1] = (uint8_t)v;
}

static unsigned int sum(const uint8_t *b, size_t n, unsigned int acc)
{
	for (size_t i = 0; i < n; i++) {
		acc += i & 1 ? b[i] : (unsigned int)b[i] << 8;
	}
	while (acc >> 16) {
		acc = (acc & 0xffff) + (acc >> 16);
	}
	return acc;
}

static void eth(struct frame *f, const uint8_t *src, unsigned int type)
{
	static const uint8_t all[6] = {255, 255, 255, 255, 255, 255};

	put(f, all, 6);
	put(f, src, 6);
	put16(f, type);
}

static void mark(struct frame *f, const char *name)
{
	put(f, MARK, strlen(MARK));
	put(f, name, strlen(name));
	put8(f, ';');
}

static void arp(struct frame *f, unsigned int op, const uint8_t *sha,
		const uint8_t *spa, const uint8_t *tpa)
{
	eth(f, me.mac, ETHERTYPE_ARP);
	put16(f, 1);
	put16(f, ETHERTYPE_IP);
	put8(f, 6);
	put8(f, 4);
	put16(f, op);
	put(f, sha, 6);
	put(f, spa, 4);
	put(f, "\0\0\0\0\0", 6);
	put(f, tpa, 4);
}

/* IPv4 with a UDP header; @frag is the flags-and-offset field. */
static void ip4(struct frame *f, const uint8_t *src, unsigned int frag,
		unsigned int sport, const char *name)
{
	size_t at = f->len;

	put16(f, 0x4500);
	put16(f, 0);
	put16(f, 1);
	put16(f, frag);
	put8(f, 64);
	put8(f, 17);
	put16(f, 0);
	put(f, src, 4);
	put16(f, 0xffff);
	put16(f, 0xffff);
	put16(f, sport);
	put16(f, 9);
	put16(f, 8 + (unsigned int)strlen(MARK) + (unsigned int)strlen(name) +
			1);
	put16(f, 0);
	mark(f, name);
	set16(f, at + 2, (unsigned int)(f->len - at));
	set16(f, at + 10, ~sum(f->b + at, 20, 0) & 0xffff);
}

static void ip6(struct frame *f, const uint8_t *eth_src, const uint8_t *src,
		unsigned int next, unsigned int hops)
{
	static const uint8_t all_nodes[16] = {0xff, 2, [15] = 1};
	static const uint8_t dst[6] = {0x33, 0x33, 0, 0, 0, 1};

	put(f, dst, 6);
	put(f, eth_src, 6);
	put16(f, ETHERTYPE_IPV6);
	f->ip6_at = f->len;
	put16(f, 0x6000);
	put16(f, 0);
	put16(f, 0);
	put8(f, next);
	put8(f, hops);
	put(f, src, 16);
	put(f, all_nodes, 16);
}

/* Closes an IPv6 packet: length, and the checksum of ICMPv6. */
static void ip6_end(struct frame *f)
{
	size_t n = f->len - f->icmp_at;
	unsigned int acc;

	set16(f, f->ip6_at + 4, (unsigned int)(f->len - f->ip6_at - 40));
	if (f->icmp_at) {
		acc = sum(f->b + f->ip6_at + 8, 32, (unsigned int)n + 58);
		acc = sum(f->b + f->icmp_at, n, acc);
		set16(f, f->icmp_at + 2, ~acc & 0xffff);
	}
}

static void udp6(struct frame *f, const uint8_t *src, unsigned int sport,
		 const char *name)
{
	ip6(f, me.mac, src, 17, 64);
	put16(f, sport);
	put16(f, 9);
	put16(f, 8 + (unsigned int)strlen(MARK) + (unsigned int)strlen(name) +
			1);
	put16(f, 0);
	mark(f, name);
	ip6_end(f);
}

static void icmp(struct frame *f, unsigned int type, const uint8_t *target)
{
	f->icmp_at = f->len;
	put8(f, type);
	put8(f, 0);
	put16(f, 0);
	put16(f, 0);
	put16(f, 0);
	if (target) {
		put(f, target, 16);
	}
}

static void lladdr(struct frame *f, unsigned int option, const uint8_t *mac)
{
	put8(f, option);
	put8(f, 1);
	put(f, mac, 6);
}

/* Neighbour message of @type with an option that says @mac, or none. */
static void nd(struct frame *f, unsigned int type, const uint8_t *src,
	       const uint8_t *target, const uint8_t *mac)
{
	ip6(f, me.mac, src, 58, 255);
	icmp(f, type, target);
	if (mac) {
		lladdr(f, type == 136 ? 2 : 1, mac);
	}
	ip6_end(f);
}

/* Advertisement for the neighbour's address behind one extension header. */
static void hidden_na(struct frame *f, unsigned int header)
{
	static const uint8_t pad[8] = {58, 0, 1, 4};
	static const uint8_t fragment[8] = {58, 0, 0, 0, 0, 0, 0, 1};

	ip6(f, me.mac, me.ip6, header, 255);
	put(f, header == 44 ? fragment : pad, 8);
	icmp(f, 136, vic.ip6);
	lladdr(f, 2, me.mac);
	ip6_end(f);
}

static void router_advert(struct frame *f, const uint8_t *src)
{
	ip6(f, me.mac, src, 58, 255);
	icmp(f, 134, NULL);
	put(f, any6, 8);
	lladdr(f, 1, me.mac);
	ip6_end(f);
}

static void mld_report(struct frame *f, const uint8_t *src, unsigned int type)
{
	static const uint8_t alert[8] = {58, 0, 5, 2, 0, 0, 1, 0};

	ip6(f, me.mac, src, 0, 1);
	put(f, alert, 8);
	icmp(f, type, type == 130 ? any6 : NULL);
	ip6_end(f);
}

static void tagged(struct frame *f, unsigned int vid, const uint8_t *src,
		   const char *name)
{
	eth(f, me.mac, ETHERTYPE_VLAN);
	put16(f, vid);
	put16(f, ETHERTYPE_IP);
	ip4(f, src, 0, 9, name);
}

/*
 * X(name with underscores, honest?, statement that builds it into f)
 * A case whose frame has no room for the mark gets it as padding.
 */
#define CASES(X)                                                               \
	X(arp_request, 1, arp(f, 1, me.mac, me.ip4, vic.ip4))                  \
	X(arp_reply, 1, arp(f, 2, me.mac, me.ip4, vic.ip4))                    \
	X(arp_probe, 1, arp(f, 1, me.mac, any4, me.ip4))                       \
	X(arp_request_as_neighbour, 0, arp(f, 1, me.mac, vic.ip4, host.ip4))   \
	X(arp_reply_as_neighbour, 0, arp(f, 2, me.mac, vic.ip4, host.ip4))     \
	X(arp_reply_as_host, 0, arp(f, 2, me.mac, host.ip4, vic.ip4))          \
	X(arp_gratuitous_neighbour, 0, arp(f, 1, me.mac, vic.ip4, vic.ip4))    \
	X(arp_reply_probe, 0, arp(f, 2, me.mac, any4, vic.ip4))                \
	X(arp_sender_mac_neighbour, 0, arp(f, 2, vic.mac, me.ip4, host.ip4))   \
	X(arp_bad_lengths, 0,                                                  \
	  (arp(f, 2, me.mac, me.ip4, vic.ip4), f->b[18] = 8))                  \
	X(arp_odd_operation, 0, arp(f, 9, me.mac, me.ip4, vic.ip4))            \
	X(rarp, 0, (arp(f, 3, me.mac, me.ip4, vic.ip4), set16(f, 12, 0x8035))) \
	X(ip4, 1, (eth(f, me.mac, ETHERTYPE_IP), ip4(f, me.ip4, 0, 9, name)))  \
	X(ip4_fragment, 1,                                                     \
	  (eth(f, me.mac, ETHERTYPE_IP), ip4(f, me.ip4, 100, 9, name)))        \
	X(ip4_unicast, 1,                                                      \
	  (eth(f, me.mac, ETHERTYPE_IP), ip4(f, me.ip4, 0, 9, name),           \
	   memcpy(f->b, vic.mac, 6)))                                          \
	X(ip4_as_neighbour, 0,                                                 \
	  (eth(f, me.mac, ETHERTYPE_IP), ip4(f, vic.ip4, 0, 9, name)))         \
	X(ip4_as_host, 0,                                                      \
	  (eth(f, me.mac, ETHERTYPE_IP), ip4(f, host.ip4, 0, 9, name)))        \
	X(ip4_as_stranger, 0,                                                  \
	  (eth(f, me.mac, ETHERTYPE_IP), ip4(f, other4, 0, 9, name)))          \
	X(ip4_as_nobody, 0,                                                    \
	  (eth(f, me.mac, ETHERTYPE_IP), ip4(f, any4, 0, 68, name)))           \
	X(ip4_fragment_as_neighbour, 0,                                        \
	  (eth(f, me.mac, ETHERTYPE_IP), ip4(f, vic.ip4, 100, 9, name)))       \
	X(ip4_unicast_as_host, 0,                                              \
	  (eth(f, me.mac, ETHERTYPE_IP), ip4(f, host.ip4, 0, 9, name),         \
	   memcpy(f->b, vic.mac, 6)))                                          \
	X(ip4_unicast_to_host_as_neighbour, 0,                                 \
	  (eth(f, me.mac, ETHERTYPE_IP), ip4(f, vic.ip4, 0, 9, name),          \
	   memcpy(f->b, host.mac, 6)))                                         \
	X(ip4_mac_of_neighbour, 0,                                             \
	  (eth(f, vic.mac, ETHERTYPE_IP), ip4(f, me.ip4, 0, 9, name)))         \
	X(ip4_mac_of_host, 0,                                                  \
	  (eth(f, host.mac, ETHERTYPE_IP), ip4(f, me.ip4, 0, 9, name)))        \
	X(ip4_all_of_neighbour, 0,                                             \
	  (eth(f, vic.mac, ETHERTYPE_IP), ip4(f, vic.ip4, 0, 9, name)))        \
	X(ip4_dhcp_server, 0,                                                  \
	  (eth(f, me.mac, ETHERTYPE_IP), ip4(f, me.ip4, 0, 67, name)))         \
	X(vlan, 0, tagged(f, 5, me.ip4, name))                                 \
	X(vlan_priority, 0, tagged(f, 0xe000, me.ip4, name))                   \
	X(vlan_as_neighbour, 0, tagged(f, 5, vic.ip4, name))                   \
	X(vlan_double, 0,                                                      \
	  (eth(f, me.mac, 0x88a8), put16(f, 5), put16(f, ETHERTYPE_VLAN),      \
	   put16(f, 6), put16(f, ETHERTYPE_IP),                                \
	   ip4(f, me.ip4, 0, 9, name)))                                        \
	X(ip6, 1, udp6(f, me.ip6, 9, name))                                    \
	X(ip6_link_local, 1, udp6(f, me.ll, 9, name))                          \
	X(ip6_as_neighbour, 0, udp6(f, vic.ip6, 9, name))                      \
	X(ip6_as_neighbour_link_local, 0, udp6(f, vic.ll, 9, name))            \
	X(ip6_as_host, 0, udp6(f, host.ip6, 9, name))                          \
	X(ip6_as_stranger, 0, udp6(f, other6, 9, name))                        \
	X(ip6_as_nobody, 0, udp6(f, any6, 9, name))                            \
	X(ip6_dhcp_server, 0, udp6(f, me.ll, 547, name))                       \
	X(ns, 1, nd(f, 135, me.ip6, vic.ip6, me.mac))                          \
	X(ns_no_option, 1, nd(f, 135, me.ll, vic.ip6, NULL))                   \
	X(ns_dad, 1, nd(f, 135, any6, me.ip6, NULL))                           \
	X(ns_dad_link_local, 1, nd(f, 135, any6, me.ll, NULL))                 \
	X(ns_as_neighbour, 0, nd(f, 135, vic.ip6, host.ip6, me.mac))           \
	X(ns_option_neighbour, 0, nd(f, 135, me.ip6, host.ip6, vic.mac))       \
	X(ns_two_options, 0,                                                   \
	  (nd(f, 135, me.ip6, host.ip6, me.mac), lladdr(f, 1, vic.mac),        \
	   ip6_end(f)))                                                        \
	X(ns_dad_of_neighbour, 0, nd(f, 135, any6, vic.ip6, NULL))             \
	X(ns_dad_with_address, 0, nd(f, 135, any6, me.ip6, vic.mac))           \
	X(na, 1, nd(f, 136, me.ip6, me.ip6, me.mac))                           \
	X(na_link_local, 1, nd(f, 136, me.ll, me.ll, me.mac))                  \
	X(na_no_option, 1, nd(f, 136, me.ip6, me.ip6, NULL))                   \
	X(na_for_neighbour, 0, nd(f, 136, me.ip6, vic.ip6, me.mac))            \
	X(na_for_neighbour_no_option, 0, nd(f, 136, me.ip6, vic.ip6, NULL))    \
	X(na_for_neighbour_link_local, 0, nd(f, 136, me.ll, vic.ll, me.mac))   \
	X(na_for_host, 0, nd(f, 136, me.ip6, host.ip6, me.mac))                \
	X(na_as_neighbour, 0, nd(f, 136, vic.ip6, vic.ip6, me.mac))            \
	X(na_option_neighbour, 0, nd(f, 136, me.ip6, me.ip6, vic.mac))         \
	X(na_two_options, 0,                                                   \
	  (nd(f, 136, me.ip6, me.ip6, me.mac), lladdr(f, 2, vic.mac),          \
	   ip6_end(f)))                                                        \
	X(na_behind_hop_by_hop, 0, hidden_na(f, 0))                            \
	X(na_behind_destination, 0, hidden_na(f, 60))                          \
	X(na_behind_fragment, 0, hidden_na(f, 44))                             \
	X(rs, 1, (ip6(f, me.mac, me.ll, 58, 255), icmp(f, 133, NULL),          \
		  lladdr(f, 1, me.mac), ip6_end(f)))                           \
	X(rs_option_neighbour, 0,                                              \
	  (ip6(f, me.mac, me.ll, 58, 255), icmp(f, 133, NULL),                 \
	   lladdr(f, 1, vic.mac), ip6_end(f)))                                 \
	X(ra, 0, router_advert(f, me.ll))                                      \
	X(ra_as_host, 0, router_advert(f, host.ll))                            \
	X(redirect, 0, nd(f, 137, me.ll, host.ip6, NULL))                      \
	X(mld_report, 1, mld_report(f, me.ll, 143))                            \
	X(mld_report_early, 1, mld_report(f, any6, 143))                       \
	X(mld_report_as_neighbour, 0, mld_report(f, vic.ll, 143))              \
	X(mld_query, 0, mld_report(f, me.ll, 130))                             \
	X(stp, 0, (eth(f, me.mac, 38), put16(f, 0x4242), put8(f, 3)))          \
	X(lldp, 0, eth(f, me.mac, 0x88cc))                                     \
	X(mpls, 0, eth(f, me.mac, 0x8847))                                     \
	X(pppoe, 0, eth(f, me.mac, 0x8863))

#define BUILDER(n, h, how)                                                     \
	static void build_##n(struct frame *f, const char *name)               \
	{                                                                      \
		(void)name;                                                    \
		how;                                                           \
	}
#define ROW(n, h, how) {#n, h, build_##n},

CASES(BUILDER)

const struct frames_case frames_cases[] = {CASES(ROW)};
const size_t frames_count = sizeof(frames_cases) / sizeof(frames_cases[0]);

void frames_build(struct frame *f, size_t number)
{
	bool end = number >= frames_count;
	const char *name = end ? "end" : frames_cases[number].name;
	size_t flow = FLOW_MARK | number;
	char text[96];

	memset(f, 0, sizeof(*f));
	if (end) {
		build_ip4(f, name);
	} else {
		frames_cases[number].build(f, name);
	}
	if (f->icmp_at) {
		f->b[f->ip6_at + 1] = (uint8_t)(flow >> 16);
		set16(f, f->ip6_at + 2, flow & 0xffff);
	}
	snprintf(text, sizeof(text), MARK "%s;", name);
	if (!f->icmp_at && !memmem(f->b, f->len, text, strlen(text))) {
		mark(f, name);
	}
	while (f->len < 60) {
		put8(f, 0);
	}
}

const char *frames_recognise(char *buf, size_t n)
{
	char *at = memmem(buf, n, MARK, strlen(MARK)), *stop;
	uint32_t flow;

	if (at) {
		at += strlen(MARK);
		stop = memchr(at, ';', (size_t)(buf + n - at));
		if (stop) {
			*stop = '\0';
		}
		return stop ? at : NULL;
	}
	if (n < 54 || memcmp(buf + 12, "\x86\xdd", 2)) {
		return NULL;
	}
	memcpy(&flow, buf + 14, sizeof(flow));
	flow = ntohl(flow) & 0xfffff;
	if ((flow & 0xff000) != FLOW_MARK || (flow & 0xfff) >= frames_count) {
		return NULL;
	}
	return frames_cases[flow & 0xfff].name;
}
