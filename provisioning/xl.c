/*
 * xl.c - see xl.h.  The only file that includes libxl.h.
 *
 * Every call makes a context of its own, as xl does: libxl forks helpers and
 * waits for children, which no long-lived process of ours should share.
 */
#include "xl.h"

#include <errno.h>
#include <libxl.h>
#include <libxl_utils.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xentoollog.h>

#define VIF_SCRIPT	"/usr/lib/serai/vif-serai"
#define BLOCK_SCRIPT	"/usr/lib/serai/block-serai"

/* Keeps libxl's first complaint: the later ones are consequences. */
struct keeper {
	xentoollog_logger vtable;
	char text[200];
};

static void keep_message(xentoollog_logger *logger, xentoollog_level level,
			 int errnoval, const char *context, const char *format,
			 va_list al)
{
	struct keeper *keeper = (struct keeper *)logger;
	char text[160];

	(void)context;
	if (level < XTL_WARN) {
		return;
	}
	vsnprintf(text, sizeof(text), format, al);
	fprintf(stderr, "libxl: %s%s%s\n", text, errnoval >= 0 ? ": " : "",
		errnoval >= 0 ? strerror(errnoval) : "");
	if (level >= XTL_ERROR && !keeper->text[0]) {
		snprintf(keeper->text, sizeof(keeper->text), "%s", text);
	}
}

static void keep_progress(xentoollog_logger *logger, const char *context,
			  const char *doing, int percent, unsigned long done,
			  unsigned long total)
{
	(void)logger;
	(void)context;
	(void)doing;
	(void)percent;
	(void)done;
	(void)total;
}

static void keep_destroy(xentoollog_logger *logger)
{
	(void)logger;
}

static const xentoollog_logger keeper_vtable = {
	.vmessage = keep_message,
	.progress = keep_progress,
	.destroy = keep_destroy,
};

static int open_ctx(libxl_ctx **ctx, struct keeper *keeper, struct err *err)
{
	*keeper = (struct keeper){ .vtable = keeper_vtable };
	if (libxl_ctx_alloc(ctx, LIBXL_VERSION, 0, &keeper->vtable)) {
		return err_set(err, -EIO, "hypervisor: cannot be reached (%s)",
			       keeper->text);
	}
	return 0;
}

static int fault(const struct keeper *keeper, int rc, const char *what,
		 struct err *err)
{
	return err_set(err, rc == ERROR_NOMEM ? -ENOMEM : -EIO,
		       "%s: libxl error %d: %s", what, rc,
		       keeper->text[0] ? keeper->text : "no more is known");
}

static enum vm_domain state_of(const libxl_dominfo *info)
{
	if (info->dying) {
		return VM_DOMAIN_DYING;
	}
	if (info->shutdown) {
		switch (info->shutdown_reason) {
		case LIBXL_SHUTDOWN_REASON_POWEROFF:
			return VM_DOMAIN_POWEROFF;
		case LIBXL_SHUTDOWN_REASON_REBOOT:
		case LIBXL_SHUTDOWN_REASON_SOFT_RESET:
			return VM_DOMAIN_REBOOT;
		default:
			return VM_DOMAIN_CRASH;
		}
	}
	return info->paused ? VM_DOMAIN_PAUSED : VM_DOMAIN_RUNNING;
}

static uint64_t info_vps(const libxl_dominfo *info)
{
	char uuid[37];
	const uint8_t *b = libxl_uuid_bytearray_const(&info->uuid);

	snprintf(uuid, sizeof(uuid), LIBXL_UUID_FMT, b[0], b[1], b[2], b[3],
		 b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
		 b[13], b[14], b[15]);
	return xl_uuid_vps(uuid);
}

static int list_in(libxl_ctx *ctx, const struct keeper *keeper,
		   struct xl_domain **list, size_t *count, struct err *err)
{
	struct xl_domain *out;
	libxl_dominfo *info;
	int n;

	info = libxl_list_domain(ctx, &n);
	if (!info) {
		return fault(keeper, ERROR_FAIL, "list of domains", err);
	}
	out = calloc((size_t)n + 1, sizeof(*out));
	*count = 0;
	for (int i = 0; out && i < n; i++) {
		uint64_t id = info_vps(&info[i]);

		if (id) {
			out[(*count)++] = (struct xl_domain){
				.vps_id = id,
				.domid = info[i].domid,
				.state = state_of(&info[i]),
				.ram_mib = info[i].current_memkb / 1024,
				.cpu_ns = info[i].cpu_time,
			};
		}
	}
	libxl_dominfo_list_free(info, n);
	*list = out;
	return out ? 0 : err_set(err, -ENOMEM, "out of memory");
}

int xl_list(struct xl_domain **list, size_t *count, struct err *err)
{
	struct keeper keeper;
	libxl_ctx *ctx;
	int rc = open_ctx(&ctx, &keeper, err);

	if (rc) {
		return rc;
	}
	rc = list_in(ctx, &keeper, list, count, err);
	libxl_ctx_free(ctx);
	return rc;
}

/* -ENOENT without a line when there is none. */
static int find_in(libxl_ctx *ctx, const struct keeper *keeper,
		   uint64_t vps_id, struct xl_domain *out, struct err *err)
{
	struct xl_domain *list;
	size_t count;
	int rc = list_in(ctx, keeper, &list, &count, err);

	if (rc) {
		return rc;
	}
	rc = -ENOENT;
	for (size_t i = 0; i < count; i++) {
		/* A live one hides a dying one. */
		if (list[i].vps_id == vps_id &&
		    (rc || list[i].state != VM_DOMAIN_DYING)) {
			*out = list[i];
			rc = 0;
		}
	}
	free(list);
	return rc;
}

int xl_host(struct xl_host *host, struct err *err)
{
	const libxl_version_info *version;
	struct xl_domain *list;
	struct keeper keeper;
	libxl_physinfo phys;
	libxl_ctx *ctx;
	size_t count;
	int rc = open_ctx(&ctx, &keeper, err);

	if (rc) {
		return rc;
	}
	libxl_physinfo_init(&phys);
	version = libxl_get_version_info(ctx);
	rc = libxl_get_physinfo(ctx, &phys);
	if (rc || !version) {
		rc = fault(&keeper, rc, "host information", err);
		goto out;
	}
	*host = (struct xl_host){ .cpus = phys.nr_cpus };
	snprintf(host->hypervisor, sizeof(host->hypervisor), "Xen %d.%d%s",
		 version->xen_version_major, version->xen_version_minor,
		 version->xen_version_extra ? version->xen_version_extra : "");
	host->ram_mib = phys.total_pages * version->pagesize >> 20;
	host->ram_free_mib = (phys.free_pages + phys.scrub_pages) *
			     version->pagesize >> 20;
	rc = list_in(ctx, &keeper, &list, &count, err);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		host->ram_vps_mib += list[i].ram_mib;
	}
	if (rc == 0) {
		free(list);
	}
out:
	libxl_physinfo_dispose(&phys);
	libxl_ctx_free(ctx);
	return rc;
}

static char *copy(const char *text)
{
	char *out = strdup(text);

	if (!out) {
		abort();
	}
	return out;
}

static void *zeroed(size_t size)
{
	void *out = calloc(1, size);

	if (!out) {
		abort();
	}
	return out;
}

static int fill_devices(libxl_domain_config *d, const struct xl_config *c,
			struct err *err)
{
	libxl_device_disk *disk = zeroed(sizeof(*disk));
	libxl_device_nic *nic = zeroed(sizeof(*nic));
	unsigned int mac[6];

	d->disks = disk;
	d->num_disks = 1;
	libxl_device_disk_init(disk);
	disk->pdev_path = copy(c->disk);
	disk->vdev = copy("xvda");
	disk->backend = LIBXL_DISK_BACKEND_PHY;
	disk->format = LIBXL_DISK_FORMAT_RAW;
	disk->readwrite = 1;
	if (!c->disk_is_phy) {
		disk->script = copy(BLOCK_SCRIPT);
	}

	d->nics = nic;
	d->num_nics = 1;
	libxl_device_nic_init(nic);
	nic->nictype = LIBXL_NIC_TYPE_VIF;
	nic->bridge = copy(c->bridge);
	nic->ifname = copy(c->vifname);
	nic->script = copy(VIF_SCRIPT);
	if (sscanf(c->mac, "%2x:%2x:%2x:%2x:%2x:%2x", &mac[0], &mac[1],
		   &mac[2], &mac[3], &mac[4], &mac[5]) != 6) {
		return err_set(err, -EINVAL, "mac: '%s' is not one", c->mac);
	}
	for (int i = 0; i < 6; i++) {
		nic->mac[i] = (uint8_t)mac[i];
	}
	return 0;
}

static int fill_config(libxl_ctx *ctx, libxl_domain_config *d,
		       const struct xl_config *c, struct err *err)
{
	libxl_domain_build_info *b = &d->b_info;

	d->c_info.type = LIBXL_DOMAIN_TYPE_PV;
	d->c_info.name = copy(c->name);
	if (libxl_uuid_from_string(&d->c_info.uuid, c->uuid)) {
		return err_set(err, -EINVAL, "uuid: '%s' is not one", c->uuid);
	}
	libxl_domain_build_info_init_type(b, LIBXL_DOMAIN_TYPE_PV);
	b->max_vcpus = (int)c->vcpus;
	if (libxl_cpu_bitmap_alloc(ctx, &b->avail_vcpus, b->max_vcpus)) {
		return err_set(err, -ENOMEM, "out of memory");
	}
	libxl_bitmap_set_none(&b->avail_vcpus);
	for (int i = 0; i < b->max_vcpus; i++) {
		libxl_bitmap_set(&b->avail_vcpus, i);
	}
	b->max_memkb = c->ram_mib * 1024;
	b->target_memkb = b->max_memkb;
	/*
	 * A VPS maps nobody's pages.  Each thousand of handles that it might
	 * take would be memory of the host that nobody has counted.
	 */
	b->max_maptrack_frames = 0;
	b->kernel = copy(c->kernel);
	b->cmdline = copy(c->cmdline);
	if (c->initrd[0]) {
		b->ramdisk = copy(c->initrd);
	}
	b->sched_params.weight = (int)c->weight;
	b->sched_params.cap = (int)c->cap;
	/* vpsd sees a domain end and decides itself. */
	d->on_poweroff = LIBXL_ACTION_ON_SHUTDOWN_PRESERVE;
	d->on_reboot = LIBXL_ACTION_ON_SHUTDOWN_PRESERVE;
	d->on_watchdog = LIBXL_ACTION_ON_SHUTDOWN_PRESERVE;
	d->on_crash = LIBXL_ACTION_ON_SHUTDOWN_PRESERVE;
	d->on_soft_reset = LIBXL_ACTION_ON_SHUTDOWN_PRESERVE;
	return fill_devices(d, c, err);
}

static int create(libxl_ctx *ctx, const struct keeper *keeper,
		  const struct xl_config *c, uint64_t *domid, struct err *err)
{
	libxl_domain_config config;
	uint32_t made = 0;
	int rc;

	libxl_domain_config_init(&config);
	rc = fill_config(ctx, &config, c, err);
	if (rc) {
		goto out;
	}
	/* On failure libxl removes what it made. */
	rc = libxl_domain_create_new(ctx, &config, &made, NULL, NULL);
	if (rc) {
		rc = fault(keeper, rc, "start", err);
		goto out;
	}
	rc = libxl_domain_unpause(ctx, made, NULL);
	if (rc) {
		rc = fault(keeper, rc, "unpause", err);
		libxl_domain_destroy(ctx, made, NULL);
		goto out;
	}
	*domid = made;
out:
	libxl_domain_config_dispose(&config);
	return rc;
}

int xl_start(const struct xl_config *c, uint64_t *domid, struct err *err)
{
	struct xl_domain found;
	struct keeper keeper;
	libxl_ctx *ctx;
	int rc = open_ctx(&ctx, &keeper, err);

	if (rc) {
		return rc;
	}
	rc = find_in(ctx, &keeper, xl_uuid_vps(c->uuid), &found, err);
	if (rc == 0 && found.state == VM_DOMAIN_RUNNING) {
		*domid = found.domid;
		goto out;
	}
	if (rc == 0 && found.state != VM_DOMAIN_DYING) {
		rc = libxl_domain_destroy(ctx, (uint32_t)found.domid, NULL);
		if (rc) {
			rc = fault(&keeper, rc, "destroy", err);
		}
	} else if (rc == 0 || rc == -ENOENT) {
		rc = 0;
	}
	if (rc == 0) {
		rc = create(ctx, &keeper, c, domid, err);
	}
out:
	libxl_ctx_free(ctx);
	return rc;
}

int xl_shutdown(uint64_t vps_id, struct err *err)
{
	struct xl_domain found;
	struct keeper keeper;
	libxl_ctx *ctx;
	int rc = open_ctx(&ctx, &keeper, err);

	if (rc) {
		return rc;
	}
	rc = find_in(ctx, &keeper, vps_id, &found, err);
	if (rc == 0 && found.state == VM_DOMAIN_RUNNING) {
		rc = libxl_domain_shutdown(ctx, (uint32_t)found.domid, NULL);
		rc = rc ? fault(&keeper, rc, "shutdown", err) : 0;
	}
	libxl_ctx_free(ctx);
	return rc == -ENOENT ? 0 : rc;
}

int xl_destroy(uint64_t vps_id, struct err *err)
{
	struct xl_domain found;
	struct keeper keeper;
	libxl_ctx *ctx;
	int rc = open_ctx(&ctx, &keeper, err);

	if (rc) {
		return rc;
	}
	rc = find_in(ctx, &keeper, vps_id, &found, err);
	if (rc == 0 && found.state != VM_DOMAIN_DYING) {
		rc = libxl_domain_destroy(ctx, (uint32_t)found.domid, NULL);
		rc = rc ? fault(&keeper, rc, "destroy", err) : 0;
	}
	libxl_ctx_free(ctx);
	return rc == -ENOENT ? 0 : rc;
}
