/* Sets and clears header flags of queries and replies. */
#include "server/plugin.h"

struct header_rule {
	struct header_rule *next;
	uint16_t flags;
	bool reply, set;
};

struct header {
	struct header_rule *rules, **last;
	const struct directive *first; /* the line whose rules count */
	bool ignored;		       /* a later line had rules, too */
};

static void header_init(struct setup *s)
{
	struct header *h = s->state;
	h->last = &h->rules;
}

static uint16_t flag_of(struct view word)
{
	if (view_equal_nocase(word, VIEW("aa")))
		return FLAG_AA;
	if (view_equal_nocase(word, VIEW("ra")))
		return FLAG_RA;
	if (view_equal_nocase(word, VIEW("rd")))
		return FLAG_RD;
	return 0;
}

static bool rule_action(struct setup *s, struct view word, struct header_rule *rule)
{
	rule->set = view_equal_nocase(word, VIEW("set"));
	if (rule->set || view_equal_nocase(word, VIEW("clear")))
		return true;
	return setup_error_plain(s,
		"setting up rule: unknown flag action=%.*s, should be set or clear",
		VIEW_ARGS(word));
}

static bool rule_flags(
	struct setup *s, const struct view *words, size_t count, struct header_rule *rule)
{
	for (size_t i = 0; i < count; i++) {
		uint16_t flag = flag_of(words[i]);
		if (!flag)
			return setup_error_plain(s,
				"setting up rule: unknown/unsupported flag=%.*s",
				VIEW_ARGS(words[i]));
		rule->flags |= flag;
	}
	return true;
}

static bool rule_read(struct setup *s, bool reply)
{
	struct header *h = s->state;
	struct header_rule rule = { .reply = reply };
	struct view *words;
	size_t count = args_rest(s, &words);
	if (count == 0)
		return setup_error_plain(s, "setting up rule: no flag action provided");
	if (count == 1)
		return setup_error_plain(s, "setting up rule: invalid length for flags, at least "
					    "one should be provided");
	if (!rule_action(s, words[0], &rule) || !rule_flags(s, words + 1, count - 1, &rule))
		return false;
	if (!h->first)
		h->first = s->directive;
	if (h->first != s->directive) {
		h->ignored = true;
		return true;
	}
	*h->last = arena_new_object(s->arena, struct header_rule);
	**h->last = rule;
	h->last = &(*h->last)->next;
	return true;
}

static bool read_query_rule(struct setup *s)
{
	return rule_read(s, false);
}

static bool read_response_rule(struct setup *s)
{
	return rule_read(s, true);
}

/* The words are taken in any case; anything else is an error. */
static bool read_other(struct setup *s)
{
	struct view word = s->directive->words[s->at].text;
	if (view_equal_nocase(word, VIEW("query")))
		return rule_read(s, false);
	if (view_equal_nocase(word, VIEW("response")))
		return rule_read(s, true);
	return setup_error_plain(s,
		"setting up rule: invalid selector=%.*s should be query or response",
		VIEW_ARGS(word));
}

static bool header_finish(struct setup *s)
{
	struct header *h = s->state;
	if (!h->rules)
		return setup_argument_error(s);
	if (h->ignored)
		setup_warning(s, "only the rules of the block's first header count, those of later "
				 "ones do nothing");
	return true;
}

static void apply(const struct header *h, bool reply, uint16_t *flags)
{
	for (const struct header_rule *rule = h->rules; rule; rule = rule->next) {
		if (rule->reply == reply)
			*flags = (uint16_t)(rule->set ? *flags | rule->flags
						      : *flags & ~rule->flags);
	}
}

static int header_serve(struct plugin *self, struct query *q)
{
	const struct header *h = self->state;
	apply(h, false, &q->request.flags);
	int rcode = next(self, q);
	if (q->reply)
		apply(h, true, &q->reply->flags);
	return rcode;
}

static const struct option header_options[] = {
	{ "query", "set|clear FLAG...", NULL,
		"changes flags of the query before the next plugin sees it", read_query_rule },
	{ "response", "set|clear FLAG...", NULL, "changes flags of the reply", read_response_rule },
	{ "*", NULL, NULL, NULL, read_other },
	{ 0 },
};

PLUGIN(header) = {
	.name = "header",
	.help = "sets and clears the flags aa, ra and rd of queries and replies",
	.about = "Rules apply in their order. Only the first header of a block counts. What stands "
		 "before it in the chain, such "
		 "as cache, sees the changed replies; errors that the server answers itself are "
		 "not changed.",
	.options = header_options,
	.state_size = sizeof(struct header),
	.init = header_init,
	.finish = header_finish,
	.serve = header_serve,
};
