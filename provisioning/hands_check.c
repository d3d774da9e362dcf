/*
 * hands_check.c - the second look at every request (see hands.h).
 */
#include "hands.h"

#include <errno.h>
#include <string.h>

#include "addr.h"

#define TERMINATED(field)	(memchr((field), '\0', sizeof(field)) != NULL)

static int bad(struct err *err, const char *field)
{
	return err_set(err, -EINVAL, "refused: %s is not allowed", field);
}

static bool printable(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f) {
			return false;
		}
	}
	return true;
}

/* Empty, or an address of @family. */
static bool address_valid(const char *text, int family)
{
	struct addr addr;

	return !*text ||
	       (addr_parse(&addr, text) == 0 && addr_family(&addr) == family);
}

static bool dns_valid(const char *text)
{
	return text[strspn(text, "0123456789abcdefABCDEF.: ")] == '\0';
}

static int check_guest(const struct guest_config *g, struct err *err)
{
	if (!TERMINATED(g->hostname) || !spec_name_valid(g->hostname)) {
		return bad(err, "hostname");
	}
	if (!TERMINATED(g->mac) || !addr_mac_valid(g->mac)) {
		return bad(err, "mac");
	}
	if (!TERMINATED(g->address4) || !address_valid(g->address4, 4) ||
	    !TERMINATED(g->gateway4) || !address_valid(g->gateway4, 4) ||
	    g->prefix4 > 32) {
		return bad(err, "IPv4 address");
	}
	if (!TERMINATED(g->address6) || !address_valid(g->address6, 6) ||
	    !TERMINATED(g->gateway6) || !address_valid(g->gateway6, 6) ||
	    g->prefix6 > 128) {
		return bad(err, "IPv6 address");
	}
	if (!TERMINATED(g->dns) || !dns_valid(g->dns)) {
		return bad(err, "dns");
	}
	if (!TERMINATED(g->default_user) || !printable(g->default_user) ||
	    strpbrk(g->default_user, "/:. ")) {
		return bad(err, "default user");
	}
	return 0;
}

static bool template_valid(const struct hands_request *r)
{
	return TERMINATED(r->template) && spec_name_valid(r->template) &&
	       TERMINATED(r->version) && spec_version_valid(r->version);
}

static int check_start(const struct hands_request *r, struct err *err)
{
	if (!TERMINATED(r->name) || !spec_name_valid(r->name)) {
		return bad(err, "name");
	}
	if (!TERMINATED(r->uuid) || xl_uuid_vps(r->uuid) != r->id) {
		return bad(err, "uuid");
	}
	if (r->vcpus < 1 || r->vcpus > 128 || r->weight < 1 ||
	    r->weight > 65535 || r->cap > 12800) {
		return bad(err, "vcpus, weight or cap");
	}
	if (r->ram_mib < 1 || r->ram_mib > (4ull << 20)) {
		return bad(err, "ram");
	}
	if (r->own_kernel > 1) {
		return bad(err, "own_kernel");
	}
	if (!TERMINATED(r->cmdline) || !printable(r->cmdline)) {
		return bad(err, "cmdline");
	}
	return 0;
}

static int check_fields(const struct hands_request *r, struct err *err)
{
	bool has_template = r->op == HANDS_TEMPLATE_REMOVE ||
			    r->op == HANDS_COPY_DISK || r->op == HANDS_START;
	bool has_id = r->op >= HANDS_COPY_DISK && r->op <= HANDS_REMOVE;
	bool has_size = r->op == HANDS_COPY_DISK || r->op == HANDS_START;
	bool has_guest = r->op == HANDS_CUSTOMIZE || r->op == HANDS_START;

	if (has_template && !template_valid(r)) {
		return bad(err, "template");
	}
	if (has_id && (r->id == 0 || r->id >> 48)) {
		return bad(err, "id");
	}
	if (has_size && (r->disk_mib < 1 || r->disk_mib > (1ull << 30))) {
		return bad(err, "disk size");
	}
	if (r->op == HANDS_TEMPLATE_IMPORT &&
	    (!TERMINATED(r->path) || r->path[0] != '/' ||
	     !printable(r->path))) {
		return bad(err, "path");
	}
	if (has_guest) {
		int rc = check_guest(&r->guest, err);

		if (rc) {
			return rc;
		}
	}
	return r->op == HANDS_START ? check_start(r, err) : 0;
}

int hands_check(const struct hands_request *r, size_t len, struct err *err)
{
	if (len < sizeof(*r) || r->keys_len != len - sizeof(*r)) {
		return bad(err, "length");
	}
	if (r->op >= HANDS_OP_COUNT) {
		return bad(err, "operation");
	}
	if (r->keys_len && r->op != HANDS_CUSTOMIZE) {
		return bad(err, "keys");
	}
	if (r->op == HANDS_CUSTOMIZE) {
		char keys[SPEC_KEYS_MAX + 1];

		if (r->keys_len > SPEC_KEYS_MAX) {
			return bad(err, "keys");
		}
		memcpy(keys, (const char *)(r + 1), r->keys_len);
		keys[r->keys_len] = '\0';
		if (strlen(keys) != r->keys_len ||
		    spec_keys_check(keys, NULL) != 0) {
			return bad(err, "keys");
		}
	}
	return check_fields(r, err);
}
