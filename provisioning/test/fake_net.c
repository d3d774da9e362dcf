/*
 * fake_net.c - net.h on files (fake.h).
 */
#include "net.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fake.h"

void net_vif_name(char name[16], uint64_t id)
{
	snprintf(name, 16, "vps%llu", (unsigned long long)id);
}

static void rules_path(char path[512], uint64_t id)
{
	fake_path(path, 512, "net/%llu", (unsigned long long)id);
}

int net_vif_apply(const struct vif_rules *rules, struct err *err)
{
	char path[512];
	int rc = fake_enter("net", rules->id, err);

	rules_path(path, rules->id);
	return rc ? rc : fake_write(path, "%s %s %s\n", rules->mac,
				    rules->ipv4, rules->ipv6);
}

int net_vif_remove(uint64_t id, struct err *err)
{
	char path[512];

	(void)err;
	rules_path(path, id);
	unlink(path);
	return 0;
}

int net_list(uint64_t **ids, size_t *count, struct err *err)
{
	struct dirent *entry;
	char path[512];
	DIR *dir;

	(void)err;
	fake_path(path, sizeof(path), "net");
	dir = opendir(path);
	*count = 0;
	*ids = calloc(4096, sizeof(**ids));
	while (dir && *ids && (entry = readdir(dir))) {
		uint64_t id = strtoull(entry->d_name, NULL, 10);

		if (id) {
			(*ids)[(*count)++] = id;
		}
	}
	closedir(dir);
	return 0;
}

int net_counters(uint64_t id, uint64_t *rx, uint64_t *tx, struct err *err)
{
	(void)id;
	(void)err;
	*rx = 1000;
	*tx = 2000;
	return 0;
}
