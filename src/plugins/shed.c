/* Keeps a server useful under more load than it can answer. */
#include "server/shed.h"

#include "server/block.h"

static bool shed_setup(struct setup *s)
{
	struct view word;
	if (arg_next(s, &word))
		return view_is(word, "{") ? setup_error(s, "shed takes no options")
					  : setup_argument_error(s);
	for (size_t i = 0; i < s->block->source->key_count; i++) {
		const struct key *key = &s->block->source->keys[i];
		if (key->scheme != SCHEME_DNS)
			return setup_error_plain(s,
				"only plain DNS server blocks are supported; \"%s\" uses transport "
				"\"%s\"",
				key->text, scheme_name(key->scheme));
	}
	s->block->sheds = true;
	return true;
}

static const struct metric_family *const shed_metrics[] = { &shed_dropped_total, NULL };

PLUGIN(shed) = {
	.name = "shed",
	.help = "answers the newest queries first when more come than can be answered, and drops "
		"the oldest",
	.about = "Holds for UDP on all listeners of the block. Without it, queries that come "
		 "faster than they are answered wait in the "
		 "kernel's queue in the order of their coming; when that queue is full, every "
		 "answer is late by its whole length, "
		 "and clients have given up on all of them. With it, a worker that finds more than "
		 "64 queries waiting reads all of "
		 "them, answers the newest first, and drops the oldest over 1,024.\n\n"
		 "Dropped queries are counted with the reason `query`; answers that the full "
		 "buffer of the socket did not take, "
		 "with the reason `response`.",
	.metrics = shed_metrics,
	.once = true,
	.setup = shed_setup,
};
