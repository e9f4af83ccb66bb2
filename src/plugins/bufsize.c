/* An upper bound for the UDP size that clients advertise: answers that would be fragmented are
 * truncated instead. */
#include "server/plugin.h"

enum { SIZE_DEFAULT = 1232, SIZE_MIN = 512, SIZE_MAX_TAKEN = 4096 };

struct bufsize {
	uint16_t size;
	bool read; /* only the first line counts */
};

static void bufsize_init(struct setup *s)
{
	((struct bufsize *)s->state)->size = SIZE_DEFAULT;
}

static bool bufsize_setup(struct setup *s)
{
	struct bufsize *b = s->state;
	struct view word;
	uint64_t size = SIZE_DEFAULT;
	if (arg_next(s, &word) &&
		(!view_unsigned(word, SIZE_MAX_TAKEN, &size) || size < SIZE_MIN || !arg_end(s)))
		return setup_argument_error(s);
	if (!b->read)
		b->size = (uint16_t)size;
	b->read = true;
	return true;
}

static int bufsize_serve(struct plugin *self, struct query *q)
{
	const struct bufsize *b = self->state;
	struct edns *e = &q->request.edns;
	if (e->present && e->udp_size > b->size)
		e->udp_size = b->size;
	return next(self, q);
}

PLUGIN(bufsize) = {
	.name = "bufsize",
	.arguments = "[SIZE]",
	.help = "lowers the UDP size that a query advertises to SIZE (512 to 4096, 1232 by "
		"default)",
	.about = "The lowered size also limits the answer, goes to upstreams and is what the "
		 "client is told. Queries without "
		 "EDNS are left alone.",
	.state_size = sizeof(struct bufsize),
	.init = bufsize_init,
	.setup = bufsize_setup,
	.serve = bufsize_serve,
};
