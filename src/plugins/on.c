/* Runs commands when the server starts and ends. */
#include "server/hooks.h"
#include "server/plugin.h"

enum event {
	EVENT_STARTUP,
	EVENT_SHUTDOWN,
	EVENT_CERTRENEW, /* taken, and never happens */
};

struct on_command {
	struct on_command *next;
	enum event event;
	struct hook hook;
};

struct on {
	struct on_command *first, **last;
};

static void on_init(struct setup *s)
{
	struct on *o = s->state;
	o->last = &o->first;
}

static bool read_event(struct setup *s, struct view word, enum event *event)
{
	static const char *const names[] = { "startup", "shutdown", "certrenew" };
	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (view_equal_nocase(word, view_of(names[i]))) {
			*event = (enum event)i;
			return true;
		}
	}
	return setup_error(s, "Wrong event name or event not supported: '%.*s'", VIEW_ARGS(word));
}

/* The words joined again: what is split is the line, quotes inside Corefile words included. */
static bool read_command(struct setup *s, const struct view *words, size_t count, struct hook *h)
{
	struct text line = { 0 };
	const char *why;
	for (size_t i = 0; i < count; i++) {
		if (i)
			text_add_char(&line, ' ');
		text_add(&line, words[i]);
	}
	bool parsed = hook_parse(s->arena, text_view(&line), h, &why);
	text_free(&line);
	if (!parsed)
		return setup_error(s, "error parsing command: %s", why);
	return h->argc > 0 || setup_error(s, "no command contained in ''");
}

static bool on_setup(struct setup *s)
{
	struct on *o = s->state;
	struct on_command *c = arena_new_object(s->arena, struct on_command);
	struct view *words;
	size_t count = args_rest(s, &words);
	if (count == 0)
		return setup_argument_error(s);
	if (!read_event(s, words[0], &c->event))
		return false;
	if (count == 1)
		return setup_argument_error(s);
	bool wait = !view_is(words[count - 1], "&");
	if (!read_command(s, words + 1, count - 1 - (wait ? 0 : 1), &c->hook))
		return false;
	c->hook.wait = wait;
	*o->last = c;
	o->last = &c->next;
	return true;
}

static bool on_finish(struct setup *s)
{
	if (!s->checking)
		hooks_begin();
	return true;
}

static void run(const struct plugin *self, enum event event)
{
	const struct on *o = self->state;
	for (const struct on_command *c = o->first; c; c = c->next) {
		if (c->event == event)
			hook_run(&c->hook);
	}
}

static void on_started(struct plugin *self)
{
	run(self, EVENT_STARTUP);
}

static void on_shutdown(struct plugin *self)
{
	run(self, EVENT_SHUTDOWN);
}

PLUGIN(on) = {
	.name = "on",
	.arguments = "startup|shutdown|certrenew COMMAND [ARGS...] [&]",
	.help = "runs a command when the server has started, also after a reload, or when it ends",
	.about = "The command line is split into words as a shell does it, without expansions; for "
		 "those run sh -c. With & at the end "
		 "its end is not waited for. A command that fails is logged, and nothing more.\n\n"
		 "The sandboxed server may not start programs: commands are run by a small process of "
		 "their own.",
	.state_size = sizeof(struct on),
	.init = on_init,
	.setup = on_setup,
	.finish = on_finish,
	.started = on_started,
	.shutdown = on_shutdown,
};
