/* Tells the server's version, authors and host name to whoever asks in class CH (RFC 4892). */
#include "server/block.h"

#include "base/random.h"
#include <stdlib.h>
#include <unistd.h>

enum { STRING_MAX = 255 };

struct chaos {
	struct view version, host;
	struct view *authors;
	size_t author_count;
	bool read; /* only the first line counts */
};

/* What goes into one <character-string>. */
static struct view cut(struct view text)
{
	return view_first(text, text.length < STRING_MAX ? text.length : STRING_MAX);
}

static int compare(const void *a, const void *b)
{
	const struct view *x = a, *y = b;
	int order = memcmp(x->at, y->at, x->length < y->length ? x->length : y->length);
	if (order == 0)
		order = (x->length > y->length) - (x->length < y->length);
	return order;
}

static size_t sort_unique(struct view *words, size_t count)
{
	size_t kept = 0;
	if (count > 0)
		qsort(words, count, sizeof *words, compare);
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || !view_equal(words[kept - 1], words[i]))
			words[kept++] = words[i];
	}
	return kept;
}

static void chaos_init(struct setup *s)
{
	struct chaos *c = s->state;
	static struct view authors[] = { { "The Isthmus authors",
		sizeof "The Isthmus authors" - 1 } };
	char host[256] = "";
	if (gethostname(host, sizeof host - 1) != 0 || !host[0])
		memcpy(host, "localhost", sizeof "localhost");
	c->version = VIEW("Isthmus-" ISTHMUS_VERSION);
	c->host = cut(arena_copy(s->arena, view_of(host)));
	c->authors = authors;
	c->author_count = 1;
	s->block->takes_any_class = true;
}

static bool chaos_setup(struct setup *s)
{
	struct chaos *c = s->state;
	struct view *words;
	size_t count = args_rest(s, &words);
	if (c->read)
		return true;
	c->read = true;
	if (count == 0)
		return true;
	c->version = cut(words[0]);
	if (count > 1) {
		for (size_t i = 1; i < count; i++)
			words[i] = cut(words[i]);
		c->authors = words + 1;
		c->author_count = sort_unique(words + 1, count - 1);
	}
	return true;
}

static void add_text(struct query *q, struct view text)
{
	reply_add_as_asked(q, SECTION_ANSWER, q->request.question.name, TYPE_TXT, 0,
		rdata_txt(q->arena, text));
}

/* From a random one on: the order says nothing about who did more. */
static void add_authors(struct query *q, const struct chaos *c)
{
	size_t first = random_below((uint32_t)c->author_count);
	for (size_t i = 0; i < c->author_count; i++)
		add_text(q, c->authors[(first + i) % c->author_count]);
}

static bool is(const struct query *q, struct name n)
{
	return name_equal(q->name, n);
}

static int chaos_serve(struct plugin *self, struct query *q)
{
	const struct chaos *c = self->state;
	if (query_class(q) != CLASS_CH || query_type(q) != TYPE_TXT)
		return next(self, q);
	struct message *before = q->reply;
	if (is(q, NAME_LITERAL("\7version\4bind")) || is(q, NAME_LITERAL("\7version\6server"))) {
		reply_new(q, RCODE_NOERROR, 0);
		add_text(q, c->version);
	} else if (is(q, NAME_LITERAL("\7authors\4bind"))) {
		reply_new(q, RCODE_NOERROR, 0);
		add_authors(q, c);
	} else if (is(q, NAME_LITERAL("\10hostname\4bind")) ||
		   is(q, NAME_LITERAL("\2id\6server"))) {
		reply_new(q, RCODE_NOERROR, 0);
		add_text(q, c->host);
	}
	return q->reply == before ? next(self, q) : RCODE_NOERROR;
}

PLUGIN(chaos) = {
	.name = "chaos",
	.arguments = "[VERSION] [AUTHORS...]",
	.help = "answers TXT queries of class CH for version.bind, version.server, authors.bind, "
		"hostname.bind and id.server",
	.state_size = sizeof(struct chaos),
	.init = chaos_init,
	.setup = chaos_setup,
	.serve = chaos_serve,
};
