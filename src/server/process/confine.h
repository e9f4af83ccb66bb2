/* The kernel's two ways to confine a process. Each gives NULL, or why it could not. */
#ifndef ISTHMUS_SERVER_PROCESS_CONFINE_H
#define ISTHMUS_SERVER_PROCESS_CONFINE_H

#include <stdbool.h>
#include <stddef.h>

struct allowed_path {
	const char *path; /* a file, or a folder with all below it; one that is not there is passed
			     over */
	bool write;
};

/* From now on this thread and its children see no other files (landlock(7)). */
const char *confine_files(const struct allowed_path *paths, size_t count);

/* From now on this thread and its children may make no system calls but those that a server needs:
 * others give EPERM and are said on standard output (seccomp(2)). */
const char *confine_calls(void);

#endif
