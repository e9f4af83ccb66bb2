/* Lookups through the server, from within an answer. */
#include "plugins/found.h"

static void append(struct query *q, enum section_id to, const struct section *from)
{
	for (size_t i = 0; i < from->count; i++)
		section_add(&q->reply->section[to], q->arena, from->records[i]);
}

int found_append(struct query *q, struct name name, uint16_t type, enum section_id section, const struct message **found)
{
	struct message *reply = q->reply, *answer;
	int rcode = query_lookup(q, name, type, &answer);
	q->reply = reply;
	if (answer)
		append(q, section, &answer->section[SECTION_ANSWER]);
	if (found)
		*found = answer;
	return rcode;
}

void found_follow(struct query *q, struct name target, uint16_t type)
{
	const struct message *found;
	int rcode = found_append(q, target, type, SECTION_ANSWER, &found);
	if (!found) {
		q->reply->rcode = rcode == RCODE_SERVFAIL ? RCODE_SERVFAIL : RCODE_NOERROR;
		return;
	}
	q->reply->flags |= (uint16_t)(found->flags & FLAG_TC);
	if (rcode != RCODE_REFUSED)
		q->reply->rcode = (uint16_t)rcode;
	if (rcode == RCODE_NXDOMAIN || !found->section[SECTION_ANSWER].count)
		append(q, SECTION_AUTHORITY, &found->section[SECTION_AUTHORITY]);
}
