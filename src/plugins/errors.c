/* Writes a line for each query that could not be answered, with the reason; may sum up those that
 * are alike. */
#include "base/clock.h"
#include "server/block.h"
#include "server/regex.h"

enum { LOOK_INTERVAL_MS = 50 };

/*
 * Errors that are alike. Workers count; the control thread looks whether a period is over and says
 * how many there were. A period begins with its first error.
 */
struct pattern {
	struct pattern *next;
	struct regex *regex;
	int64_t period; /* ns */
	const char *period_text;
	enum log_level level;
	bool show_first;
	_Atomic uint64_t began; /* 0: no period */
	_Atomic uint64_t count;
};

struct errors {
	struct pattern *patterns, **last;
	_Atomic bool stopped; /* nobody sums up any more: every error is a line */
};

/* --- set-up --- */

static void errors_init(struct setup *s)
{
	struct errors *e = s->state;
	e->last = &e->patterns;
}

static bool errors_setup(struct setup *s)
{
	struct view *words;
	size_t count = args_rest(s, &words);
	if (count > 1)
		return setup_argument_error(s);
	if (count == 1 && !view_is(words[0], "stdout"))
		return setup_error_plain(s, "invalid log file: %.*s", VIEW_ARGS(words[0]));
	return true;
}

static bool read_stacktrace(struct setup *s)
{
	s->block->stacktrace = true;
	return arg_end(s);
}

static bool level_of(struct view word, enum log_level *level)
{
	static const struct {
		const char *word;
		enum log_level level;
	} levels[] = { { "debug", LOG_DEBUG }, { "info", LOG_INFO }, { "warning", LOG_WARNING },
		{ "error", LOG_ERROR } };
	for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
		if (view_is(word, levels[i].word)) {
			*level = levels[i].level;
			return true;
		}
	}
	return false;
}

/* [LEVEL] [show_first] */
static bool read_pattern_words(
	struct setup *s, const struct view *words, size_t count, struct pattern *p)
{
	bool has_level = false;
	for (size_t i = 0; i < count; i++) {
		enum log_level level;
		if (level_of(words[i], &level)) {
			if (p->show_first)
				return setup_error_plain(
					s, "log level must come before show_first in consolidate");
			if (has_level)
				return setup_error_plain(
					s, "multiple log levels specified in consolidate");
			has_level = true;
			p->level = level;
		} else if (view_is(words[i], "show_first")) {
			p->show_first = true;
		} else {
			return setup_error_plain(
				s, "unknown option in consolidate: %.*s", VIEW_ARGS(words[i]));
		}
	}
	return true;
}

static bool read_consolidate(struct setup *s)
{
	struct errors *e = s->state;
	struct view *words;
	const char *why;
	size_t count = args_rest(s, &words);
	if (count < 2 || count > 4)
		return setup_argument_error(s);
	struct pattern *p = arena_new_object(s->arena, struct pattern);
	p->level = LOG_ERROR;
	if (!duration_parse(s->arena, words[0], &p->period, &why))
		return setup_error(s, "%s", why);
	p->period_text = duration_print(s->arena, p->period);
	p->regex = regex_compile(s->arena, words[1], &why);
	if (!p->regex)
		return setup_error_plain(s, "%s", why);
	if (!read_pattern_words(s, words + 2, count - 2, p))
		return false;
	*e->last = p;
	e->last = &p->next;
	return true;
}

/* --- summing up: control thread --- */

static void sum_up(struct plugin *self, struct pattern *p)
{
	atomic_store(&p->began, 0); /* first: an error that comes in between begins a period, and is
				       counted here or there */
	uint64_t count = atomic_exchange(&p->count, 0);
	struct view text = regex_pattern(p->regex);
	if (count > (p->show_first ? 1 : 0))
		log_line(p->level, self->type->name, "%llu errors like '%.*s' occurred in last %s",
			(unsigned long long)count, VIEW_ARGS(text), p->period_text);
}

static void look_at_periods(struct plugin *self, void *unused)
{
	(void)unused;
	struct errors *e = self->state;
	while (task_sleep(self, LOOK_INTERVAL_MS * NS_PER_MS)) {
		for (struct pattern *p = e->patterns; p; p = p->next) {
			uint64_t began = atomic_load(&p->began);
			if (began && clock_now() >= began + (uint64_t)p->period)
				sum_up(self, p);
		}
	}
}

static bool errors_start(struct plugin *self, struct plugin *before)
{
	(void)before;
	const struct errors *e = self->state;
	if (e->patterns)
		task_start(self, look_at_periods, NULL);
	return true;
}

static void errors_stop(struct plugin *self)
{
	struct errors *e = self->state;
	atomic_store(&e->stopped, true);
	for (struct pattern *p = e->patterns; p; p = p->next)
		sum_up(self, p);
}

/* --- serving --- */

/* The first pattern that fits; NULL when none does. */
static struct pattern *pattern_for(struct errors *e, const char *error)
{
	struct pattern *p = e->patterns;
	while (p && !regex_matches(p->regex, view_of(error)))
		p = p->next;
	return p;
}

/* Whether it is the first of a period. */
static bool count_in(struct pattern *p)
{
	uint64_t none = 0;
	bool first = atomic_compare_exchange_strong(&p->began, &none, clock_now());
	atomic_fetch_add(&p->count, 1);
	return first;
}

static void write_line(struct plugin *self, struct query *q, enum log_level level, int served)
{
	char name[NAME_TEXT_MAX], type[MNEMONIC_MAX];
	name_print(q->name, name);
	log_line(level, self->type->name, "%d %s %s: %s", served, name,
		type_print(query_type(q), type), q->error);
}

static int errors_serve(struct plugin *self, struct query *q)
{
	struct errors *e = self->state;
	int served = next(self, q);
	if (!q->error)
		return served;
	struct pattern *p = NULL;
	if (e->patterns && !atomic_load(&e->stopped))
		p = pattern_for(e, q->error);
	if (!p)
		write_line(self, q, LOG_ERROR, served);
	else if (count_in(p) && p->show_first)
		write_line(self, q, p->level, served);
	return served;
}

static const struct option options[] = {
	{ .name = "stacktrace",
		.help = "where the server stood is written when it has crashed on a query",
		.read = read_stacktrace },
	{ .name = "consolidate",
		.arguments = "DURATION REGEXP [warning|error|info|debug] [show_first]",
		.help = "errors whose text REGEXP fits become one line for each DURATION that says "
			"how many there were; "
			"may be given several times, the first that fits counts",
		.read = read_consolidate },
	{ 0 },
};

PLUGIN(errors) = {
	.name = "errors",
	.arguments = "[stdout]",
	.help = "writes a line for each query that could not be answered",
	.options = options,
	.state_size = sizeof(struct errors),
	.once = true,
	.init = errors_init,
	.setup = errors_setup,
	.start = errors_start,
	.stop = errors_stop,
	.serve = errors_serve,
};
