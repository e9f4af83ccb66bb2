/* Reading whole files: regular ones at once, pipes and devices until their end. */
#include "base/file.h"

#include "base/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_GUESS = 4096 };

/* The room that the file seems to need, and one octet more so that its end is seen without growing.
 */
static size_t first_room(int fd, size_t limit)
{
	struct stat st;
	if (fstat(fd, &st) != 0 || st.st_size <= 0)
		return limit < FIRST_GUESS ? limit + 1 : FIRST_GUESS;
	return (uint64_t)st.st_size > limit ? limit + 1 : (size_t)st.st_size + 1;
}

static char *grow(struct arena *a, const char *from, size_t *room, size_t limit)
{
	size_t larger = *room * 2 > limit ? limit + 1 : *room * 2;
	char *to = arena_octets(a, larger);
	memcpy(to, from, *room);
	*room = larger;
	return to;
}

int file_read_open(struct arena *a, int fd, size_t limit, struct view *content)
{
	if (limit > SIZE_MAX / 4)
		limit = SIZE_MAX / 4;
	size_t room = first_room(fd, limit), length = 0;
	char *at = arena_octets(a, room);
	for (;;) {
		ssize_t n = read(fd, at + length, room - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || (length += (size_t)n) > limit) {
			if (n < 0)
				return errno;
			if (length > limit)
				return EFBIG;
			at[length] = 0;
			*content = (struct view){ at, length };
			return 0;
		}
		if (length == room)
			at = grow(a, at, &room, limit);
	}
}

int file_read(struct arena *a, const char *path, size_t limit, struct view *content)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return errno;
	int error = file_read_open(a, fd, limit, content);
	close(fd);
	return error;
}
