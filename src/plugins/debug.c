/* Debug lines in the log. */
#include "server/block.h"

static void debug_init(struct setup *s)
{
	s->block->debug = true;
}

PLUGIN(debug) = {
	.name = "debug",
	.help = "turns debug log lines on, for the whole server",
	.init = debug_init,
};
