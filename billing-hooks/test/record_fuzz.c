/*
 * record_fuzz - any bytes as a record: parsed, and written as a CSV line.
 * Whatever is accepted must come out as exactly one line.
 */
#include "csv.h"
#include "record.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record record;
	const char *why = NULL;
	char line[CSV_LINE_MAX];
	int length;

	if (record_parse(&record, (const char *)data, size, &why) != 0) {
		if (!why) {
			abort();
		}
		return 0;
	}
	length = csv_line(record.json, line, sizeof(line));
	if (length > 0 &&
	    memchr(line, '\n', (size_t)length) != line + length - 1) {
		abort();
	}
	record_free(&record);
	return 0;
}
