/* Whole files into memory. */
#ifndef ISTHMUS_BASE_FILE_H
#define ISTHMUS_BASE_FILE_H

#include "base/arena.h"

/*
 * Reads the file at `path` up to its end into the arena, with a NUL behind it. Gives 0, or why not
 * as errno has it; EFBIG for one of more than `limit` octets, EISDIR for a directory.
 */
int file_read(struct arena *a, const char *path, size_t limit, struct view *content);

/* The same from a descriptor that is open, from where it stands. */
int file_read_open(struct arena *a, int fd, size_t limit, struct view *content);

#endif
