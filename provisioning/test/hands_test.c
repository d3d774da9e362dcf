/*
 * hands_test.c - the privileged side's second look at every request.
 */
#define CHECK_SUITE "hands"
#include "check.h"

#include <errno.h>

#include "hands.h"

#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGNo8mXfLQTUmc1h" \
	    "Aeqw7cyVOwLpIX/AeOkk8bPkoVQ/\n"

static struct {
	struct hands_request req;
	char keys[SPEC_KEYS_MAX];
} message;

static struct hands_request *good(enum hands_op op)
{
	message.req = (struct hands_request){
		.op = op, .id = 1, .vcpus = 1, .weight = 256, .ram_mib = 64,
		.disk_mib = 64, .name = "web1",
		.uuid = "82a0b04d-5e7a-4305-a309-000000000001",
		.template = "busybox", .version = "1.0", .path = "/x",
		.guest = { .hostname = "web1", .mac = "00:16:3e:00:00:01",
			   .address4 = "10.0.2.50", .prefix4 = 24,
			   .gateway4 = "10.0.2.2", .default_user = "root" },
	};
	if (op == HANDS_CUSTOMIZE) {
		memcpy(message.keys, KEY, strlen(KEY));
		message.req.keys_len = (uint32_t)strlen(KEY);
	}
	return &message.req;
}

static int check(struct err *err)
{
	err->text[0] = '\0';
	return hands_check(&message.req,
			   sizeof(message.req) + message.req.keys_len, err);
}

static void good_ones_pass(void)
{
	struct err err;

	for (int op = 0; op < HANDS_OP_COUNT; op++) {
		good((enum hands_op)op);
		if (check(&err) != 0) {
			CHECK_FAIL("operation %d: %s", op, err.text);
		}
	}
}

#define REFUSED(op, change)                                                   \
	do {                                                                  \
		struct err err_;                                              \
		struct hands_request *r = good(op);                           \
		(void)r;                                                      \
		change;                                                       \
		if (check(&err_) != -EINVAL) {                                \
			CHECK_FAIL("expected %s to be refused", #change);     \
		}                                                             \
	} while (0)

static void bad_ones_do_not(void)
{
	REFUSED(HANDS_HOST, r->op = HANDS_OP_COUNT);
	REFUSED(HANDS_HOST, r->op = UINT32_MAX);
	REFUSED(HANDS_HOST, r->keys_len = 1);
	REFUSED(HANDS_START, r->id = 0);
	REFUSED(HANDS_START, r->id = 2);	/* not the UUID's */
	REFUSED(HANDS_REMOVE, r->id = 1ull << 48);
	REFUSED(HANDS_START, strcpy(r->uuid, "x"));
	REFUSED(HANDS_START, strcpy(r->name, "../x"));
	REFUSED(HANDS_START, memset(r->name, 'a', sizeof(r->name)));
	REFUSED(HANDS_START, strcpy(r->template, "../../etc"));
	REFUSED(HANDS_START, strcpy(r->version, "../1"));
	REFUSED(HANDS_COPY_DISK, strcpy(r->version, ""));
	REFUSED(HANDS_START, r->vcpus = 0);
	REFUSED(HANDS_START, r->vcpus = 129);
	REFUSED(HANDS_START, r->weight = 0);
	REFUSED(HANDS_START, r->ram_mib = UINT64_MAX);
	REFUSED(HANDS_COPY_DISK, r->disk_mib = 0);
	REFUSED(HANDS_COPY_DISK, r->disk_mib = UINT64_MAX);
	REFUSED(HANDS_START, strcpy(r->cmdline, "a\nb"));
	REFUSED(HANDS_START, memset(r->cmdline, 'a', sizeof(r->cmdline)));
	REFUSED(HANDS_START, strcpy(r->guest.mac, "ff:16:3e:00:00:01"));
	REFUSED(HANDS_START, strcpy(r->guest.address4, "10.0.2.50; rm"));
	REFUSED(HANDS_START, strcpy(r->guest.address4, "2001:db8::1"));
	REFUSED(HANDS_START, strcpy(r->guest.address6, "10.0.2.1"));
	REFUSED(HANDS_START, r->guest.prefix4 = 33);
	REFUSED(HANDS_START, r->guest.prefix6 = 129);
	REFUSED(HANDS_CUSTOMIZE, strcpy(r->guest.dns, "$(reboot)"));
	REFUSED(HANDS_CUSTOMIZE, strcpy(r->guest.default_user, "../root"));
	REFUSED(HANDS_CUSTOMIZE, strcpy(r->guest.hostname, "a\nb"));
	REFUSED(HANDS_CUSTOMIZE, r->keys_len = 0);
	REFUSED(HANDS_CUSTOMIZE, message.keys[0] = 'x');
	REFUSED(HANDS_CUSTOMIZE, message.keys[3] = '\0');
	REFUSED(HANDS_TEMPLATE_IMPORT, strcpy(r->path, "x"));
	REFUSED(HANDS_TEMPLATE_IMPORT, memset(r->path, '/', sizeof(r->path)));
}

static void lengths_must_agree(void)
{
	struct err err;

	good(HANDS_HOST);
	CHECK_INT(hands_check(&message.req, sizeof(message.req) - 1, &err),
		  -EINVAL);
	CHECK_INT(hands_check(&message.req, 0, &err), -EINVAL);
	CHECK_INT(hands_check(&message.req, sizeof(message.req) + 1, &err),
		  -EINVAL);
}

int main(void)
{
	RUN(good_ones_pass);
	RUN(bad_ones_do_not);
	RUN(lengths_must_agree);
	return check_end();
}
