/* Any octets as a state file: without the right checksum none is taken. */
#include "fuzz.h"

#include "sync/state_file.h"
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	struct arena *arena = arena_new(4096);
	struct state state = { 0 };
	struct state_problem why = { "" };
	int fd = memfd_create("state", 0);
	MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	enum state_outcome outcome = state_read(arena, path, (struct state_kind){ "kind", 1 }, 1 << 16, &state, &why);
	MUST(outcome != STATE_NONE);
	MUST(outcome == STATE_READ ? state.payload.length < size : why.text[0] != 0);
	close(fd);
	arena_free(arena);
	return 0;
}
