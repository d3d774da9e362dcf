/*
 * hands_do.c - the operations themselves (see hands.h).  Runs in a child
 * process for each, as root.
 */
#include "hands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * GRUB as a guest (Debian: grub-xen-host). It reads /boot/grub/grub.cfg of the
 * guest's disk, inside the guest: dom0 sees nothing of what is there.
 */
#define PVGRUB	"/usr/lib/grub-xen/grub-x86_64-xen.bin"

struct job {
	const struct hands_config *config;
	const struct hands_request *req;
	const char *keys;
	struct hands_reply *reply;
	void **entries;
};

static int do_host(struct job *job)
{
	struct hands_host *host = &job->reply->u.host;
	struct err *err = &job->reply->err;
	int rc = xl_host(&host->xl, err);

	if (rc) {
		return rc;
	}
	host->disk_is_lvm = job->config->disk.kind == DISK_LVM;
	return disk_capacity(&job->config->disk, &host->disk_total_mib,
			     &host->disk_used_mib, &host->disk_free_mib, err);
}

/* The entry of VPS @id, made if there is room. */
static struct hands_world *entry_of(struct hands_world *list, uint32_t *count,
				    uint64_t id)
{
	for (uint32_t i = 0; i < *count; i++) {
		if (list[i].vps_id == id) {
			return &list[i];
		}
	}
	if (*count == HANDS_ENTRIES_MAX) {
		return NULL;
	}
	list[*count] = (struct hands_world){ .vps_id = id };
	return &list[(*count)++];
}

static int add_domains(struct hands_world *list, uint32_t *count,
		       struct err *err)
{
	struct xl_domain *domains;
	size_t found;
	int rc = xl_list(&domains, &found, err);

	if (rc) {
		return rc;
	}
	for (size_t i = 0; i < found; i++) {
		struct hands_world *w = entry_of(list, count,
						 domains[i].vps_id);

		/* A new domain may coexist with one still dying. */
		if (w && (!w->domid || w->domain == VM_DOMAIN_DYING)) {
			w->domid = domains[i].domid;
			w->domain = domains[i].state;
			w->cpu_ns = domains[i].cpu_ns;
		}
	}
	free(domains);
	return 0;
}

static int add_disks(const struct disk_backend *be, struct hands_world *list,
		     uint32_t *count, struct err *err)
{
	struct disk_entry *disks;
	size_t found;
	int rc = disk_list(be, &disks, &found, err);

	if (rc) {
		return rc;
	}
	for (size_t i = 0; i < found; i++) {
		if (!disks[i].is_template) {
			struct hands_world *w = entry_of(list, count,
							 disks[i].vps_id);

			if (w) {
				w->has_disk = 1;
			}
		}
	}
	free(disks);
	return 0;
}

static int add_nets(struct hands_world *list, uint32_t *count,
		    struct err *err)
{
	uint64_t *ids;
	size_t found;
	int rc = net_list(&ids, &found, err);

	if (rc) {
		return rc;
	}
	for (size_t i = 0; i < found; i++) {
		struct hands_world *w = entry_of(list, count, ids[i]);

		if (w) {
			w->has_net = 1;
			net_counters(ids[i], &w->rx_bytes, &w->tx_bytes, NULL);
		}
	}
	free(ids);
	return 0;
}

static int do_world(struct job *job)
{
	struct hands_world *list = calloc(HANDS_ENTRIES_MAX, sizeof(*list));
	struct err *err = &job->reply->err;
	uint32_t count = 0;
	int rc;

	if (!list) {
		return err_set(err, -ENOMEM, "out of memory");
	}
	rc = add_domains(list, &count, err);
	if (rc == 0 && job->req->full) {
		rc = add_disks(&job->config->disk, list, &count, err);
	}
	if (rc == 0 && job->req->full) {
		rc = add_nets(list, &count, err);
	}
	job->reply->count = rc ? 0 : count;
	job->reply->full = job->req->full;
	*job->entries = list;
	return rc;
}

static int do_templates(struct job *job)
{
	struct hands_template *list;
	struct disk_entry *disks;
	uint32_t count = 0;
	size_t found;
	int rc = disk_list(&job->config->disk, &disks, &found,
			   &job->reply->err);

	if (rc) {
		return rc;
	}
	list = calloc(found + 1, sizeof(*list));
	for (size_t i = 0; list && i < found; i++) {
		if (!disks[i].is_template) {
			if (disks[i].vps_id > job->reply->u.last_disk) {
				job->reply->u.last_disk = disks[i].vps_id;
			}
		} else if (count < HANDS_ENTRIES_MAX / 4) {
			memcpy(list[count].name, disks[i].name,
			       DISK_NAME_MAX);
			memcpy(list[count].version, disks[i].version,
			       DISK_NAME_MAX);
			count++;
		}
	}
	free(disks);
	job->reply->count = count;
	*job->entries = list;
	return list ? 0 : err_set(&job->reply->err, -ENOMEM, "out of memory");
}

static int do_clean(struct job *job)
{
	return disk_remove_stale(&job->config->disk, &job->reply->err);
}

static int do_template_import(struct job *job)
{
	return disk_template_import(&job->config->disk, job->req->path,
				    &job->reply->u.tpl, &job->reply->err);
}

static int do_template_remove(struct job *job)
{
	struct disk_template *tpl = &job->reply->u.tpl;

	memcpy(tpl->name, job->req->template, DISK_NAME_MAX);
	memcpy(tpl->version, job->req->version, DISK_NAME_MAX);
	return disk_template_remove(&job->config->disk, job->req->template,
				    job->req->version, &job->reply->err);
}

static int do_copy_disk(struct job *job)
{
	const struct hands_request *r = job->req;

	return disk_create(&job->config->disk, r->id, r->template, r->version,
			   r->disk_mib, &job->reply->err);
}

static int do_customize(struct job *job)
{
	struct guest_config guest = job->req->guest;

	guest.ssh_keys = job->keys;
	return disk_customize(&job->config->disk, job->req->id, &guest,
			      &job->reply->err);
}

static int apply_rules(const struct hands_request *r, char vifname[16],
		       struct err *err)
{
	struct vif_rules rules = {
		.id = r->id,
		.rate_kbit_in = r->rate_in_kbit,
		.rate_kbit_out = r->rate_out_kbit,
	};

	net_vif_name(vifname, r->id);
	memcpy(rules.vifname, vifname, sizeof(rules.vifname));
	memcpy(rules.mac, r->guest.mac, sizeof(rules.mac));
	memcpy(rules.ipv4, r->guest.address4, sizeof(rules.ipv4));
	memcpy(rules.ipv6, r->guest.address6, sizeof(rules.ipv6));
	return net_vif_apply(&rules, err);
}

static int do_start(struct job *job)
{
	const struct disk_backend *be = &job->config->disk;
	char kernel[DISK_PATH_MAX], initrd[DISK_PATH_MAX];
	const struct hands_request *r = job->req;
	struct err *err = &job->reply->err;
	char disk[DISK_PATH_MAX], vifname[16];
	struct xl_config c = {
		.name = r->name, .uuid = r->uuid,
		.vcpus = r->vcpus, .weight = r->weight, .cap = r->cap,
		.ram_mib = r->ram_mib,
		.kernel = kernel, .initrd = initrd, .cmdline = r->cmdline,
		.disk = disk, .mac = r->guest.mac, .vifname = vifname,
		.bridge = NET_BRIDGE,
	};
	int rc;

	if (r->own_kernel) {
		c.kernel = PVGRUB;
		c.initrd = "";
		c.cmdline = "";
	}

	/* Rules first: the vif must never be there without them. */
	rc = apply_rules(r, vifname, err);
	if (rc == 0) {
		rc = disk_template_boot(be, r->template, r->version, kernel,
					initrd, err);
	}
	if (rc == 0) {
		/* After a change of plan; otherwise it has that size. */
		rc = disk_grow(be, r->id, r->disk_mib, err);
	}
	if (rc == 0) {
		rc = disk_path(be, r->id, disk, &c.disk_is_phy, err);
	}
	if (rc == 0) {
		rc = xl_start(&c, &job->reply->domid, err);
	}
	return rc;
}

static int do_shutdown(struct job *job)
{
	return xl_shutdown(job->req->id, &job->reply->err);
}

/* A last reading of the counters, then down. */
static int do_destroy(struct job *job)
{
	struct hands_world *w = &job->reply->u.world, *entry;
	struct hands_world *list;
	uint32_t count = 0;

	w->vps_id = job->req->id;
	list = calloc(HANDS_ENTRIES_MAX, sizeof(*list));
	if (list && add_domains(list, &count, NULL) == 0) {
		entry = entry_of(list, &count, job->req->id);
		if (entry) {
			*w = *entry;
		}
	}
	free(list);
	net_counters(job->req->id, &w->rx_bytes, &w->tx_bytes, NULL);
	return xl_destroy(job->req->id, &job->reply->err);
}

static int do_remove(struct job *job)
{
	struct err *err = &job->reply->err;
	int rc = xl_destroy(job->req->id, err);

	if (rc == 0) {
		rc = disk_remove(&job->config->disk, job->req->id, err);
	}
	return rc ? rc : net_vif_remove(job->req->id, err);
}

static int do_nothing(struct job *job)
{
	(void)job;
	return 0;
}

static int (*const operations[HANDS_OP_COUNT])(struct job *) = {
	[HANDS_HOST] = do_host,
	[HANDS_WORLD] = do_world,
	[HANDS_TEMPLATES] = do_templates,
	[HANDS_CLEAN] = do_clean,
	[HANDS_TEMPLATE_IMPORT] = do_template_import,
	[HANDS_TEMPLATE_REMOVE] = do_template_remove,
	[HANDS_COPY_DISK] = do_copy_disk,
	[HANDS_CUSTOMIZE] = do_customize,
	[HANDS_START] = do_start,
	[HANDS_SHUTDOWN] = do_shutdown,
	[HANDS_DESTROY] = do_destroy,
	[HANDS_REMOVE] = do_remove,
	[HANDS_READY] = do_nothing,
};

void hands_do(const struct hands_config *config,
	      const struct hands_request *req, const char *keys,
	      struct hands_reply *reply, void **entries)
{
	struct job job = { config, req, keys, reply, entries };

	*entries = NULL;
	reply->rc = operations[req->op](&job);
}
