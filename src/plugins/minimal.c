/* Positive answers without what the client did not ask for. */
#include "base/clock.h"
#include "server/plugin.h"

static int minimal_serve(struct plugin *self, struct query *q)
{
	int rcode = next(self, q);
	struct message *r = reply_open(q);
	if (r && response_classify(r, clock_wall_seconds()) == RESPONSE_NOERROR) {
		section_clear(&r->section[SECTION_AUTHORITY]);
		section_clear(&r->section[SECTION_ADDITIONAL]);
		r->edns = (struct edns){ 0 }; /* the client gets an answer to its own OPT */
	}
	return rcode;
}

PLUGIN(minimal) = {
	.name = "minimal",
	.help = "leaves the authority and additional sections of positive answers empty",
	.about = "Negative answers, delegations and errors keep theirs.",
	.serve = minimal_serve,
};
