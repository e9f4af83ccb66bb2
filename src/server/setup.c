/* From the words of a directive to a plugin's state, by its option table. */
#include "server/setup.h"

#include "server/nearest.h"

static const struct option *find_option(const struct plugin_type *type, struct view word)
{
	const struct option *any = NULL;
	for (const struct option *o = type->options; o->name; o++) {
		if (view_is(word, o->name))
			return o;
		if (strcmp(o->name, "*") == 0)
			any = o;
	}
	return any;
}

static void unknown_option(struct setup *s, struct view word)
{
	struct nearest n = nearest_begin(word);
	for (const struct option *o = s->self->type->options; o->name; o++)
		nearest_try(&n, o->name);
	if (n.best)
		setup_error(
			s, "unknown property '%.*s' (did you mean '%s'?)", VIEW_ARGS(word), n.best);
	else
		setup_error(s, "unknown property '%.*s'", VIEW_ARGS(word));
}

static const struct word *next_word(const struct setup *s)
{
	return s->at + 1 < s->directive->count ? &s->directive->words[s->at + 1] : NULL;
}

static bool is_brace(const struct word *w, const char *brace)
{
	return w && !w->quoted && view_is(w->text, brace);
}

/* After an error: on to the next line of the block, so that `check` finds what else is wrong. */
static void pass_line(struct setup *s)
{
	const struct word *next;
	while ((next = next_word(s)) && !next->first && !is_brace(next, "}"))
		s->at++;
}

static bool read_option(struct setup *s, struct view word)
{
	const struct option *o = find_option(s->self->type, word);
	if (!o) {
		unknown_option(s, word);
		return false;
	}
	if (o->read)
		return o->read(s);
	*(bool *)((char *)s->state + o->offset) = true;
	return true;
}

/* Reads options up to the block's '}'; its '{' was the last word. */
static bool read_block(struct setup *s)
{
	bool done = true;
	const struct word *next;
	while ((next = next_word(s)) && !is_brace(next, "}")) {
		s->at++;
		if (!read_option(s, next->text)) {
			pass_line(s);
			done = false;
		}
	}
	if (next)
		s->at++;
	return done;
}

static bool read_line(struct setup *s)
{
	const struct plugin_type *type = s->self->type;
	struct view *words;
	if (type->setup)
		return type->setup(s);
	if (!type->arguments)
		return arg_end(s);
	args_rest(s, &words);
	return true;
}

/* Whatever the plugin did not take: a brace on a line of its own, words behind the block. */
static bool nothing_left(struct setup *s)
{
	if (!next_word(s))
		return true;
	s->at++;
	return setup_argument_error(s);
}

static bool read_occurrence(struct setup *s, const struct directive *d)
{
	s->directive = d;
	s->at = 0;
	if (!read_line(s))
		return false;
	const struct word *next = next_word(s);
	if (!s->self->type->options || !is_brace(next, "{") || next->first)
		return nothing_left(s);
	s->at++;
	return read_block(s) && nothing_left(s);
}

bool setup_plugin(struct setup *s, const struct directive *const *occurrences, size_t count)
{
	const struct plugin_type *type = s->self->type;
	bool done = true;
	s->directive = occurrences[0];
	s->at = 0;
	if (type->init)
		type->init(s);
	for (size_t i = 0; i < count && (done || s->checking); i++) {
		if (i > 0 && type->once) {
			s->directive = occurrences[i];
			s->at = 0;
			return setup_error_plain(
				s, "this plugin can only be used once per Server Block");
		}
		done = read_occurrence(s, occurrences[i]) && done;
	}
	return done && (!type->finish || type->finish(s));
}
