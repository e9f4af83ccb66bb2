/* Tells a client that asks for it which server answers (RFC 5001). */
#include "server/plugin.h"
#include <unistd.h>

struct nsid {
	struct view data;
};

static struct view host_name(struct arena *a)
{
	char name[256] = "";
	if (gethostname(name, sizeof name - 1) != 0 || !name[0])
		return VIEW("localhost");
	return arena_copy(a, view_of(name));
}

static bool nsid_setup(struct setup *s)
{
	struct nsid *n = s->state;
	struct view *words;
	size_t count = args_rest(s, &words);
	struct text joined = { 0 };
	for (size_t i = 0; i < count; i++) {
		if (i)
			text_add_char(&joined, ' ');
		text_add(&joined, words[i]);
	}
	n->data = count ? arena_copy(s->arena, text_view(&joined)) : host_name(s->arena);
	text_free(&joined);
	return true;
}

static int nsid_serve(struct plugin *self, struct query *q)
{
	const struct nsid *n = self->state;
	struct view asked;
	int rcode = next(self, q);
	if (!edns_option_find(&q->request.edns, OPTION_NSID, &asked))
		return rcode;
	if (!q->reply && serve_is_error(rcode))
		reply_new(q, (uint16_t)rcode, 0); /* so that it says who gave it, too */
	if (!q->reply)
		return rcode;
	struct edns *e = &q->reply->edns;
	if (!e->present)
		*e = (struct edns){ .present = true,
			.udp_size = q->request.edns.udp_size,
			.flags = q->request.edns.flags & EDNS_DO };
	edns_option_set(e, q->arena, OPTION_NSID, n->data);
	return rcode;
}

PLUGIN(nsid) = {
	.name = "nsid",
	.arguments = "[DATA...]",
	.help = "puts DATA (the host's name by default) into answers to queries with an NSID "
		"option",
	.state_size = sizeof(struct nsid),
	.once = true,
	.setup = nsid_setup,
	.serve = nsid_serve,
};
