/* Says over HTTP whether every plugin that can tell is ready to answer. */
#include "server/admin.h"
#include "server/block.h"
#include <stdlib.h>

enum { NAMES_MAX = 64 };

struct ready {
	const char *address;
	bool continuously;
	struct admin_mount *mount;
	struct ready *next; /* among those that are live */
	const struct plugin *self;
	bool *was_ready; /* by instance of the block, in their order */
};

/* Control thread only. As in CoreDNS each page tells of all blocks that have `ready`, and the last
 * one set up says how. */
static struct ready *live;
static bool ask_continuously, shutting_down;

/* --- set-up --- */

static void ready_init(struct setup *s)
{
	struct ready *r = s->state;
	r->address = ":8181";
}

static bool ready_setup(struct setup *s)
{
	struct ready *r = s->state;
	return admin_args_address(s, &r->address);
}

static bool read_monitor(struct setup *s)
{
	struct ready *r = s->state;
	struct view word;
	if (!arg_need(s, &word))
		return false;
	if (!view_is(word, "continuously") && !view_is(word, "until-ready"))
		return setup_error_plain(s, "monitor type '%.*s' not supported", VIEW_ARGS(word));
	r->continuously = view_is(word, "continuously");
	return arg_end(s);
}

/* --- the page --- */

static bool is_ready(struct plugin *p, bool *was_ready)
{
	if (!p->type->ready)
		return true;
	if (ask_continuously || !*was_ready)
		*was_ready = p->type->ready(p);
	return *was_ready;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_among(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

/* Adds the names of the block's plugins that are not ready, each once. */
static size_t add_waiting(const struct ready *r, const char **names, size_t count)
{
	bool *was_ready = r->was_ready;
	for (struct plugin *p = r->self->block->plugins; p; p = p->sibling, was_ready++) {
		if (!is_ready(p, was_ready) && count < NAMES_MAX &&
			!is_among(p->type->name, names, count))
			names[count++] = p->type->name;
	}
	return count;
}

/* What plugins that are ready have to say, each in a line of its own. */
static void add_remarks(const struct ready *r, struct text *body)
{
	for (struct plugin *p = r->self->block->plugins; p; p = p->sibling) {
		const char *remark = p->type->remark ? p->type->remark(p) : NULL;
		if (remark)
			text_printf(body, "\n%s: %s", p->type->name, remark);
	}
}

static void ready_page(void *unused, struct admin_page *page)
{
	(void)unused;
	if (shutting_down) {
		page->status = 503;
		text_add_string(&page->body, "Shutting down");
		return;
	}
	const char *names[NAMES_MAX];
	size_t count = 0;
	for (const struct ready *r = live; r; r = r->next)
		count = add_waiting(r, names, count);
	qsort(names, count, sizeof *names, compare_names);
	for (size_t i = 0; i < count; i++)
		text_printf(&page->body, "%s%s", i ? "," : "", names[i]);
	if (count == 0) {
		text_add_string(&page->body, "OK");
		for (const struct ready *r = live; r; r = r->next)
			add_remarks(r, &page->body);
	} else {
		page->status = 503;
		log_line(LOG_INFO, "ready", "Plugins not ready: \"%s\"", page->body.at);
	}
}

/* --- life --- */

static size_t instances(const struct block *b)
{
	size_t count = 0;
	for (const struct plugin *p = b->plugins; p; p = p->sibling)
		count++;
	return count;
}

static bool ready_start(struct plugin *self, struct plugin *before)
{
	(void)before;
	struct ready *r = self->state;
	struct text why = { 0 };
	r->mount = admin_mount(r->address, "/ready", ready_page, NULL, &why);
	if (!r->mount)
		start_error(self, "%s", why.at);
	text_free(&why);
	if (!r->mount)
		return false;
	r->self = self;
	r->was_ready =
		arena_array(self->block->config->arena, instances(self->block), sizeof(bool));
	r->next = live;
	live = r;
	ask_continuously = r->continuously;
	return true;
}

static void ready_stop(struct plugin *self)
{
	struct ready *r = self->state;
	struct ready **at = &live;
	while (*at && *at != r)
		at = &(*at)->next;
	if (*at)
		*at = r->next;
	admin_unmount(r->mount);
	r->mount = NULL;
}

static void ready_shutdown(struct plugin *self)
{
	(void)self;
	shutting_down = true;
}

static const struct option options[] = {
	{ .name = "monitor",
		.arguments = "until-ready|continuously",
		.fallback = "until-ready",
		.help = "whether a plugin that was ready once is asked again",
		.read = read_monitor },
	{ 0 },
};

PLUGIN(ready) = {
	.name = "ready",
	.arguments = "[ADDRESS]",
	.help = "says at /ready whether all plugins of its blocks are ready to answer",
	.about = "ADDRESS is where /ready is served (default :8181); blocks may share it. The page "
		 "is 200 with OK when every "
		 "plugin that can tell is ready, else 503 with the names of those that are not.",
	.options = options,
	.state_size = sizeof(struct ready),
	.once = true,
	.init = ready_init,
	.setup = ready_setup,
	.start = ready_start,
	.stop = ready_stop,
	.shutdown = ready_shutdown,
};
