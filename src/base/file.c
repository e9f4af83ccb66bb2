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

int file_read_open(struct arena *a, int fd, size_t limit, struct view *content)
{
	if (limit > SIZE_MAX / 4)
		limit = SIZE_MAX / 4;
	size_t room = first_room(fd, limit), length = 0;
	char *at = memory_alloc(room);
	for (;;) {
		ssize_t n = read(fd, at + length, room - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || (length += (size_t)n) > limit) {
			int error = n < 0 ? errno : length > limit ? EFBIG : 0;
			if (!error)
				*content =
					(struct view){ arena_string(a, (struct view){ at, length }),
						length };
			free(at);
			return error;
		}
		if (length == room) {
			room = room * 2 > limit ? limit + 1 : room * 2;
			at = memory_resize(at, room, 1);
		}
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
