/*
 * hidden.h - included first in every file of the image (by the Makefile):
 * declarations, too, have hidden visibility, so that no access goes through
 * a global offset table.
 */
#pragma GCC visibility push(hidden)
