/*
 * The text of a file, read whole into memory of its own: a mapped file that somebody cuts short
 * would kill the process. What has been worked through can be given back piece by piece, so that
 * text and what is made of it need not both fit.
 */
#ifndef ISTHMUS_ZONE_FILE_TEXT_H
#define ISTHMUS_ZONE_FILE_TEXT_H

#include "base/view.h"

#include <sys/stat.h>

struct file_text {
	char *at;
	size_t length, capacity, released;
	struct stat before,
		after; /* of the file: before the first and after the last octet was read */
};

enum file_text_step {
	FILE_TEXT_OPEN,
	FILE_TEXT_READ,
	FILE_TEXT_DONE,
};

/* Reads the file. What failed when it is not FILE_TEXT_DONE; errno says why. */
enum file_text_step file_text_read(struct file_text *t, const char *path);

/* The first `until` octets will not be looked at again. */
void file_text_release(struct file_text *t, size_t until);

void file_text_free(struct file_text *t);

static inline struct view file_text_view(const struct file_text *t)
{
	return (struct view){ t->at, t->length };
}

#endif
