/* Cores of a process with secrets: prctl(2), PR_SET_DUMPABLE. */
#include "server/process/core_dump.h"

#include "net/sanitizers.h"
#include <stdbool.h>
#include <sys/prctl.h>

static bool allowed = SANITIZE_ADDRESS || SANITIZE_THREAD;

void core_dump_forbid(void)
{
	if (!allowed)
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void core_dump_allow(void)
{
	allowed = true;
}
