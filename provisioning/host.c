/*
 * host.c - `vps host`: what there is, what is sold, what is free (brain.h).
 */
#include "brain.h"

#include <cjson/cJSON.h>

static void add_triple(cJSON *json, const char *name, uint64_t total,
		       uint64_t sold)
{
	cJSON *object = cJSON_AddObjectToObject(json, name);

	cJSON_AddNumberToObject(object, "total", (double)total);
	cJSON_AddNumberToObject(object, "sold", (double)sold);
	cJSON_AddNumberToObject(object, "free",
				total > sold ? (double)(total - sold) : 0);
}

cJSON *host_json(struct brain *b, struct err *err)
{
	const struct hands_host *h = &b->host;
	struct store_sold sold;
	cJSON *json, *cpu;

	if (store_sold(b->store, &sold, err) != 0) {
		return NULL;
	}
	json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "hypervisor", h->xl.hypervisor);
	cJSON_AddNumberToObject(json, "vps", (double)sold.vps);
	cpu = cJSON_AddObjectToObject(json, "cpu");
	cJSON_AddNumberToObject(cpu, "total", (double)h->xl.cpus);
	cJSON_AddNumberToObject(cpu, "sold", (double)sold.vcpus);
	add_triple(json, "ram_mib", b->capacity.ram_mib, sold.ram_mib);
	add_triple(json, "disk_mib", b->capacity.disk_mib, sold.disk_mib);
	cJSON_AddNumberToObject(json, "ram_machine_mib",
				(double)h->xl.ram_mib);
	cJSON_AddNumberToObject(json, "ram_unused_mib",
				(double)h->xl.ram_free_mib);
	cJSON_AddNumberToObject(json, "disk_written_mib",
				(double)h->disk_used_mib);
	cJSON_AddNumberToObject(json, "disk_unwritten_mib",
				(double)h->disk_free_mib);
	cJSON_AddStringToObject(json, "storage",
				h->disk_is_lvm ? "lvm" : "files");
	return json;
}
