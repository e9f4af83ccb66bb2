/* Tells the client its own address, port and transport. */
#include "server/plugin.h"

static struct name whoami_owner(struct query *q)
{
	struct name_buffer *owner = arena_new_object(q->arena, struct name_buffer);
	struct view label = query_is_datagram(q) ? VIEW("_udp") : VIEW("_tcp");
	if (!name_prepend(label, q->request.question.name, owner))
		return q->request.question.name;
	return name_of(owner);
}

static int whoami_serve(struct plugin *self, struct query *q)
{
	(void)self;
	struct view address = endpoint_address(&q->client);
	uint16_t port = endpoint_port(&q->client);

	reply_new(q, RCODE_NOERROR, REPLY_AA);
	reply_add_as_asked(q, SECTION_ADDITIONAL, q->request.question.name,
		endpoint_is_v6(&q->client) ? TYPE_AAAA : TYPE_A, 0, arena_copy(q->arena, address));
	reply_add_as_asked(q, SECTION_ADDITIONAL, whoami_owner(q), TYPE_SRV, 0,
		rdata_srv(q->arena, 0, 0, port, name_root));
	return RCODE_NOERROR;
}

PLUGIN(whoami) = {
	.name = "whoami",
	.help = "answers with the client's address, port and transport",
	.serve = whoami_serve,
};
