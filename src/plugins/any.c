/* Answers queries of type ANY with a record that says they are obsolete (RFC 8482 4.2). */
#include "server/plugin.h"

enum { ANY_TTL = 8482 };

static const char hinfo[] = "\15ANY obsoleted\14See RFC 8482";

static int any_serve(struct plugin *self, struct query *q)
{
	if (query_type(q) != TYPE_ANY)
		return next(self, q);
	reply_new(q, RCODE_NOERROR, 0);
	reply_add(q, SECTION_ANSWER, q->request.question.name, TYPE_HINFO, ANY_TTL,
		(struct view){ hinfo, sizeof hinfo - 1 });
	return RCODE_NOERROR;
}

PLUGIN(any) = {
	.name = "any",
	.help = "answers queries of type ANY by a HINFO record, as RFC 8482 has it",
	.serve = any_serve,
};
