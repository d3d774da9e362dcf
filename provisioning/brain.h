/*
 * brain.h - the unprivileged half of vpsd.
 *
 * One thread, one poll loop, nothing that blocks: clients ask (client.c,
 * verb_*.c), the store remembers, recon.c makes the host agree with the
 * store by asking the hands (hands.h).  All of it lives in struct brain.
 *
 * Truth: the store says what is wanted; struct vm below is a cache of what
 * the host looks like, rebuilt at every start.
 */
#ifndef SERAI_BRAIN_H
#define SERAI_BRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "hands.h"
#include "msg.h"
#include "store.h"
#include "vm.h"

struct cJSON;

/* A VPS as the reconciler sees it. */
struct vm {
	struct vm *next;
	uint64_t id;
	bool known;		/* the host was looked at */
	bool busy;		/* an operation is under way */
	bool queued;		/* wants one, but too many are */
	enum vm_step step;	/* which */
	uint32_t tag;		/* and the tag of its reply */
	uint64_t touched;	/* brain.sequence when that last changed */
	struct vm_world world;
	int64_t shutdown_until;	/* ms; guest asked, forced then; 0 not asked */
	int64_t retry_at;	/* ms; a step failed, or the store did */
	int64_t wake_at;	/* ms; look again then; INT64_MAX never */
	unsigned int failures;	/* starts in a row */
	bool force;		/* do not ask the guest */
	int probe_fd;		/* connection to port 22, or -1 */
	bool probe_greets;	/* connected: its greeting is awaited */
	int64_t probe_at;	/* ms; next try, or when this one is given up */
	uint64_t ssh_domid;	/* the domain whose port 22 answered */
	char fault[256];	/* why the last step failed */
};

/* What a client waits for. */
enum goal {
	GOAL_NONE,		/* not waiting: reading or done */
	GOAL_SSH,		/* running, port 22 answers */
	GOAL_STOPPED,
	GOAL_GONE,
	GOAL_HANDS,		/* the answer to one hands operation */
};

struct client {
	struct client *next;
	int fd;
	char *in;
	size_t in_len;
	char *out;
	size_t out_len, out_sent;
	bool done;		/* no more will be said */
	int64_t drain_until;	/* ms; all is sent: wait for its end, or this */
	bool gone;		/* the other end hung up */
	enum goal goal;
	uint32_t tag;		/* GOAL_HANDS */
	uint32_t op;
	uint64_t vps_id;
	uint64_t not_domid;	/* GOAL_SSH: another domain than this */
	bool new_sale;		/* GOAL_SSH of a create */
	int64_t since, deadline;	/* ms; deadline 0 = none */
	char progress[96];	/* the last that was told */
};

struct brain {
	struct store *store;
	int hands_fd;
	int listen_fd;
	struct vm *vms;
	struct client *clients;
	uint32_t next_tag;
	uint64_t sequence;	/* counts beginnings and ends of operations */
	unsigned int operations;	/* on VPSs, under way */
	bool importing;		/* a template: one at a time */
	bool world_wanted;	/* ask for the world as soon as possible */
	bool world_busy;	/* a question is under way */
	uint64_t world_sequence;	/* ... asked at this sequence */
	bool up;		/* start-up is through: clients are served */
	bool quit;		/* the hands are gone */
	struct hands_host host;
	struct store_capacity capacity;
	unsigned int disk_percent;	/* of the disk that may be sold */
	uint16_t ssh_port;
	int64_t next_sample, next_host;	/* ms */
	const char *templates_dir;	/* packages that come with the image */
};

/* brain.c */
int brain_run(struct brain *b);
/** Milliseconds that never jump. */
int64_t brain_ms(void);
/** Seconds since 1970. */
int64_t brain_now(void);
/** Send @req with a new tag; the tag.  Hands that are gone end the loop. */
uint32_t brain_ask(struct brain *b, struct hands_request *req,
		  const char *keys);
/** A line in the log (standard error). */
void brain_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/** Take over a reading of the host's size. */
void brain_set_host(struct brain *b, const struct hands_host *host);
/** Tell the hook dispatcher that there may be work. */
void brain_wake_hooks(struct brain *b);

/* boot.c: start-up, before clients are served; blocks */
int boot_run(struct brain *b, struct err *err);

/* recon.c */
/** Do what can be done for VPS @id now. */
void recon_kick(struct brain *b, uint64_t id);
/** Same for all. */
void recon_kick_all(struct brain *b);
/** The answer to an operation on a VPS. */
void recon_reply(struct brain *b, const struct hands_reply *reply);
/** The answer to HANDS_WORLD. */
void recon_world(struct brain *b, const struct hands_reply *reply,
		 const struct hands_world *entries, bool first);
/** Timers; returns ms until the next one is due, at most @limit. */
int64_t recon_tick(struct brain *b, int64_t limit);
/** Find, or make when @make. */
struct vm *recon_vm(struct brain *b, uint64_t id, bool make);

/* probe.c */
/** Begin or go on looking whether port 22 answers; ms until next needed. */
int64_t probe_tick(struct brain *b, struct vm *vm, const struct store_vps *v);
/** The probe's descriptor is ready. */
void probe_ready(struct brain *b, struct vm *vm);
void probe_stop(struct vm *vm);

/* client.c */
void client_accept(struct brain *b);
void client_readable(struct brain *b, struct client *c);
void client_writable(struct client *c);
/** Close those that are through. */
void client_sweep(struct brain *b);
void client_result(struct client *c, struct cJSON *result);
void client_error(struct client *c, enum msg_code code, const char *text);
void client_progress(struct client *c, const char *text);

/* wait.c */
/** Is anybody waiting for VPS @id's port 22? */
bool wait_for_ssh(const struct brain *b, uint64_t id);
/** Something about VPS @id changed: tell those who wait. */
void wait_notify(struct brain *b, uint64_t id);
/** Deadlines; ms until the next, at most @limit. */
int64_t wait_tick(struct brain *b, int64_t limit);
/** The answer to an operation that is not about one VPS. */
void wait_reply(struct brain *b, const struct hands_reply *reply);

/* verb.c */
/**
 * Perform a request.  0 and *result: answer with that; 0 and NULL: the
 * client now waits (goal) or was answered; -errno with a line: an error.
 */
int verb_run(struct brain *b, struct client *c, const struct msg_request *req,
	     struct cJSON **result, struct err *err);

/* verb_vps.c */
int verb_create(struct brain *b, struct client *c,
		const struct msg_request *req, struct cJSON **result,
		struct err *err);
int verb_start(struct brain *b, struct client *c,
	       const struct msg_request *req, struct cJSON **result,
	       struct err *err);
int verb_stop(struct brain *b, struct client *c,
	      const struct msg_request *req, struct cJSON **result,
	      struct err *err);
int verb_reboot(struct brain *b, struct client *c,
		const struct msg_request *req, struct cJSON **result,
		struct err *err);
int verb_destroy(struct brain *b, struct client *c,
		 const struct msg_request *req, struct cJSON **result,
		 struct err *err);
int verb_resize(struct brain *b, struct client *c,
		const struct msg_request *req, struct cJSON **result,
		struct err *err);

/* host.c */
struct cJSON *host_json(struct brain *b, struct err *err);

#endif
