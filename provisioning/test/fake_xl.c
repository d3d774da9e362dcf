/*
 * fake_xl.c - xl.h on files (fake.h).
 */
#include "xl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "fake.h"

static const char *const states[] = {
	[VM_DOMAIN_NONE] = "none", [VM_DOMAIN_PAUSED] = "paused",
	[VM_DOMAIN_RUNNING] = "running", [VM_DOMAIN_POWEROFF] = "poweroff",
	[VM_DOMAIN_REBOOT] = "reboot", [VM_DOMAIN_CRASH] = "crash",
	[VM_DOMAIN_DYING] = "dying",
};

int xl_host(struct xl_host *host, struct err *err)
{
	char path[512], text[64];
	struct xl_domain *list;
	size_t count;
	int rc = xl_list(&list, &count, err);

	if (rc) {
		return rc;
	}
	*host = (struct xl_host){ .hypervisor = "Fake 1.0", .cpus = 2,
				  .ram_mib = 4096 };
	fake_path(path, sizeof(path), "ram");
	host->ram_free_mib = fake_read(path, text, sizeof(text)) ? 3000 :
		(uint64_t)atoi(text);
	for (size_t i = 0; i < count; i++) {
		host->ram_vps_mib += list[i].ram_mib;
		host->ram_free_mib -= list[i].ram_mib;
	}
	free(list);
	return 0;
}

static bool read_domain(uint64_t id, struct xl_domain *out)
{
	unsigned long long domid, ram = 0;
	char path[512], text[128], word[16];

	fake_path(path, sizeof(path), "dom/%llu", (unsigned long long)id);
	if (fake_read(path, text, sizeof(text)) != 0 ||
	    sscanf(text, "%llu %15s %llu", &domid, word, &ram) < 2) {
		return false;
	}
	*out = (struct xl_domain){ .vps_id = id, .domid = domid,
				   .ram_mib = ram, .cpu_ns = 1000000 };
	for (int i = 0; i <= VM_DOMAIN_DYING; i++) {
		if (strcmp(states[i], word) == 0) {
			out->state = (enum vm_domain)i;
		}
	}
	return true;
}

int xl_list(struct xl_domain **list, size_t *count, struct err *err)
{
	struct dirent *entry;
	char path[512];
	DIR *dir;

	(void)err;
	fake_path(path, sizeof(path), "dom");
	dir = opendir(path);
	*count = 0;
	*list = calloc(4096, sizeof(**list));
	while (dir && *list && (entry = readdir(dir))) {
		char *end;
		uint64_t id = strtoull(entry->d_name, &end, 10);

		if (id && !*end && read_domain(id, &(*list)[*count])) {
			(*count)++;
		}
	}
	closedir(dir);
	return 0;
}

/* Domids never come twice, also among processes. */
static uint64_t next_domid(void)
{
	char path[512], text[32] = "";
	uint64_t domid;
	int fd;

	fake_path(path, sizeof(path), "dom/.next");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	flock(fd, LOCK_EX);
	(void)!read(fd, text, sizeof(text) - 1);
	domid = strtoull(text, NULL, 10) + 1;
	(void)!pwrite(fd, text, (size_t)snprintf(text, sizeof(text), "%llu\n",
		      (unsigned long long)domid), 0);
	close(fd);
	return domid;
}

int xl_start(const struct xl_config *c, uint64_t *domid, struct err *err)
{
	uint64_t id = xl_uuid_vps(c->uuid);
	struct xl_domain found;
	char path[512];
	int rc = fake_enter("start", id, err);

	if (rc) {
		return rc;
	}
	if (read_domain(id, &found) && found.state == VM_DOMAIN_RUNNING) {
		*domid = found.domid;
		return 0;
	}
	*domid = next_domid();
	fake_path(path, sizeof(path), "dom/.kernel-%llu",
		  (unsigned long long)id);
	fake_write(path, "%s\n", c->kernel);
	fake_path(path, sizeof(path), "dom/%llu", (unsigned long long)id);
	return fake_write(path, "%llu running %llu\n",
			  (unsigned long long)*domid,
			  (unsigned long long)c->ram_mib);
}

int xl_shutdown(uint64_t id, struct err *err)
{
	struct xl_domain found;
	char path[512];
	int rc = fake_enter("shutdown", id, err);

	if (rc) {
		return rc;
	}
	/* A guest that does not listen: tests make this file. */
	fake_path(path, sizeof(path), "dom/.deaf");
	if (access(path, F_OK) == 0 || !read_domain(id, &found)) {
		return 0;
	}
	fake_path(path, sizeof(path), "dom/%llu", (unsigned long long)id);
	rc = fake_write(path, "%llu poweroff %llu\n",
			(unsigned long long)found.domid,
			(unsigned long long)found.ram_mib);
	/* A guest that is faster than the answer: tests make this slow. */
	return rc ? rc : fake_enter("shutdown-answer", id, err);
}

int xl_destroy(uint64_t id, struct err *err)
{
	char path[512];
	int rc = fake_enter("destroy", id, err);

	fake_path(path, sizeof(path), "dom/%llu", (unsigned long long)id);
	if (rc == 0) {
		unlink(path);
	}
	return rc;
}

int xl_watch(int fd, struct err *err)
{
	char path[512], events[4096];
	int watch = inotify_init1(IN_CLOEXEC);

	fake_path(path, sizeof(path), "dom");
	if (inotify_add_watch(watch, path, IN_MOVED_TO | IN_CLOSE_WRITE |
			      IN_DELETE) < 0) {
		return err_set(err, -errno, "inotify");
	}
	/* As xenstored does for each new watch. */
	(void)!write(fd, "w", 1);
	while (read(watch, events, sizeof(events)) > 0) {
		if (write(fd, "w", 1) != 1 && errno != EAGAIN) {
			return -EPIPE;
		}
	}
	return 0;
}
