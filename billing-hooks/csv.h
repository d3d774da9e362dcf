/*
 * csv.h - an event record as one line of CSV (RFC 4180, but "\n" ends lines).
 *
 * One line is one event, always: control characters in a cell, line ends
 * among them, become spaces, so that a torn file can be mended line by line.
 */
#ifndef HOOKS_CSV_H
#define HOOKS_CSV_H

#include <stddef.h>

#define CSV_LINE_MAX	8192

struct cJSON;

/** Write the line of column names to @out; returns its length. */
size_t csv_header(char *out, size_t size);

/**
 * Write @record's line, with its "\n", to @out of @size bytes.
 * A column that the event has not got is an empty cell.
 * Returns its length, or -EMSGSIZE if it does not fit.
 */
int csv_line(const struct cJSON *record, char *out, size_t size);

#endif
