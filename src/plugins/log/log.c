/* Writes a line for each query of its scopes, once it has been answered. */
#include "plugins/log/format.h"
#include "server/bare_reply.h"
#include "server/block.h"

/* Which replies are logged: a bit for each class. */
enum log_class {
	LOG_SUCCESS = 1,
	LOG_DENIAL = 2,
	LOG_FAILURE = 4,
	LOG_ALL = LOG_SUCCESS | LOG_DENIAL | LOG_FAILURE,
};

/* The first rule whose scope a qname is in decides, whether it then writes a line or not. */
struct rule {
	struct rule *next;
	struct name scope;
	const struct log_format *format;
	unsigned classes;
	bool classify; /* the line depends on the reply's class */
	bool looks;    /* at the reply's records */
};

struct log {
	struct rule *rules, **last;
	struct rule *newest; /* the first rule of the line whose block is being read */
};

/* --- set-up --- */

static void log_init(struct setup *s)
{
	struct log *l = s->state;
	l->last = &l->rules;
}

static void add_rule(struct setup *s, struct name scope, const struct log_format *format)
{
	struct log *l = s->state;
	struct rule *r = arena_new_object(s->arena, struct rule);
	r->scope = scope;
	r->format = format;
	if (!l->newest)
		l->newest = r;
	*l->last = r;
	l->last = &r->next;
}

static bool log_setup(struct setup *s)
{
	struct log *l = s->state;
	struct view *words, format = view_of(log_format_common);
	size_t count = args_rest(s, &words);
	if (count > 1 && view_find(words[count - 1], '{') < words[count - 1].length)
		format = words[--count];
	const struct log_format *f = log_format_read(s->arena, format);
	l->newest = NULL;
	if (count == 0)
		add_rule(s, name_root, f);
	for (size_t i = 0; i < count; i++) {
		/* an empty one may come of an environment variable that is not set */
		struct name scope = words[i].length ? name_from_text(s->arena, words[i]) : name_root;
		if (scope.length == 0)
			return setup_error(s, "'%.*s' is not a name", VIEW_ARGS(words[i]));
		add_rule(s, scope, f);
	}
	return true;
}

static unsigned class_bit(struct view word)
{
	if (view_is(word, "all"))
		return LOG_ALL;
	if (view_is(word, "success"))
		return LOG_SUCCESS;
	if (view_is(word, "denial"))
		return LOG_DENIAL;
	return view_is(word, "error") ? LOG_FAILURE : 0;
}

static bool read_class(struct setup *s)
{
	const struct log *l = s->state;
	struct view *words;
	size_t count = args_rest(s, &words);
	if (count == 0)
		return setup_argument_error(s);
	for (size_t i = 0; i < count; i++) {
		unsigned bit = class_bit(words[i]);
		if (!bit)
			return setup_error_plain(s, "invalid Class: %.*s", VIEW_ARGS(words[i]));
		for (struct rule *r = l->newest; r; r = r->next)
			r->classes |= bit;
	}
	return true;
}

static bool log_finish(struct setup *s)
{
	const struct log *l = s->state;
	for (struct rule *r = l->rules; r; r = r->next) {
		if (!r->classes)
			r->classes = LOG_ALL;
		r->classify = r->classes != LOG_ALL ||
			      log_format_shows(r->format, VIEW("log/type")) ||
			      log_format_shows(r->format, VIEW("log/class"));
		r->looks = r->classify || log_format_shows_answers(r->format);
	}
	return true;
}

/* --- serving --- */

static const struct rule *rule_for(const struct log *l, struct name qname)
{
	const struct rule *r = l->rules;
	while (r && !name_is_under(qname, r->scope))
		r = r->next;
	return r;
}

/* What the client will see: also the bare reply that the server writes for an error. */
static const struct message *final_reply(struct query *q, int served)
{
	if (q->reply || !serve_is_error(served))
		return q->reply;
	bare_reply(q, (uint16_t)served);
	const struct message *bare = q->reply;
	q->reply = NULL;
	return bare;
}

/* Whether the rule wants a reply of this class; leaves the class to the line's own placeholders. */
static bool is_wanted(const struct rule *r, struct query *q, const struct message *reply)
{
	enum response_type type = response_classify(reply, clock_wall_seconds());
	struct view class = view_of(response_class_text(type));
	if (q->block->collects_metadata) {
		metadata_set(q, "log/type", view_of(response_type_text(type)));
		metadata_set(q, "log/class", class);
	}
	return (r->classes & class_bit(class)) != 0;
}

static int log_serve(struct plugin *self, struct query *q)
{
	const struct rule *r = rule_for(self->state, q->name);
	if (!r)
		return next(self, q);
	struct name name = q->name;
	int rcode = next(self, q);
	const struct message *reply = final_reply(q, rcode);
	if (r->looks)
		reply_open(q);
	if (!r->classify || is_wanted(r, q, reply)) {
		struct view line = log_format_write(r->format, q, name, reply);
		log_line(LOG_INFO, NULL, "%.*s", VIEW_ARGS(line));
	}
	return rcode;
}

static const struct option options[] = {
	{ .name = "class",
		.arguments = "all|success|denial|error...",
		.fallback = "all",
		.help = "which replies are logged; may be given several times",
		.read = read_class },
	{ 0 },
};

PLUGIN(log) = {
	.name = "log",
	.arguments = "[NAME...] [FORMAT]",
	.help = "writes a line for each query to standard output",
	.about = "Only queries at or under one of the NAMEs are logged (default: all). A single "
		 "argument is always a "
		 "NAME; of several the last is the FORMAT if it has a '{'. The first line whose "
		 "NAMEs fit decides.\n\n"
		 "Placeholders: {type} {class} {name} {proto} {size} {remote} {local} {port} {>id} "
		 "{>opcode} {>do} "
		 "{>bufsize} of the query; {rcode} {>rflags} {rsize} {duration} {answers} of the reply; "
		 "{/LABEL} is metadata; "
		 "{common} and {combined} are the formats of those names.\n\n"
		 "Lines are handed to a thread of their own: a log that is not read fast enough "
		 "loses lines and "
		 "counts them, and never delays an answer.",
	.options = options,
	.state_size = sizeof(struct log),
	.init = log_init,
	.setup = log_setup,
	.finish = log_finish,
	.serve = log_serve,
};
