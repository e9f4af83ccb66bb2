/* How many sockets a listener has. */
#include "server/block.h"
#include <sched.h>

enum { SOCKETS_MAX = 1024 };

static unsigned usable_cpus(void)
{
	cpu_set_t set;
	return sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

static bool multisocket_setup(struct setup *s)
{
	struct view word;
	int32_t n;
	if (!arg_next(s, &word)) {
		s->block->sockets = usable_cpus();
		return true;
	}
	if (!arg_end(s))
		return false;
	if (!view_integer(word, &n))
		return setup_error_plain(s,
			"invalid num sockets: strconv.Atoi: parsing \"%.*s\": invalid syntax",
			VIEW_ARGS(word));
	if (n <= 0)
		return setup_error_plain(s, "num sockets can not be zero or negative: %d", n);
	if (n > SOCKETS_MAX)
		return setup_error_plain(s, "num sockets exceeds maximum (%d): %d", SOCKETS_MAX, n);
	s->block->sockets = (unsigned)n;
	return true;
}

PLUGIN(multisocket) = {
	.name = "multisocket",
	.arguments = "[N]",
	.help = "says how many sockets each listener of the block has; the number of CPUs without "
		"N",
	.about = "This server opens a socket for each of its workers whatever N is: the option is "
		 "taken for the sake of Corefiles "
		 "that have it, and shows in the zone lines at the start.",
	.once = true,
	.setup = multisocket_setup,
};
