/*
 * Building a configuration: directive by directive in the order of order.def, and for each through all blocks in the order
 * of the file, as the language has it.
 */
#include "server/config.h"

#include "server/groups.h"
#include "server/registry.h"
#include "server/setup.h"

enum { TASKS_NAP_MS = 20 };

/* All occurrences of one directive in one block, in their order. */
static size_t occurrences(struct arena *arena, const struct server_block *source, const char *name,
	const struct directive ***list)
{
	size_t count = 0;
	for (const struct directive *d = source->directives; d; d = d->next)
		count += view_is(d->words[0].text, name);
	if (!count)
		return 0;
	*list = arena_array(arena, count, sizeof **list);
	size_t n = 0;
	for (const struct directive *d = source->directives; d; d = d->next) {
		if (view_is(d->words[0].text, name))
			(*list)[n++] = d;
	}
	return count;
}

static struct plugin *instance_new(struct block *b, const struct plugin_type *type, unsigned position)
{
	struct config *config = b->config;
	struct plugin *p = arena_new_object(config->arena, struct plugin);
	p->type = type;
	p->block = b;
	p->position = position;
	p->state = arena_alloc(config->arena, type->state_size);
	p->worker_states = arena_array(config->arena, config->workers, sizeof *p->worker_states);
	for (unsigned i = 0; i < config->workers; i++)
		p->worker_states[i] = arena_alloc(config->arena, type->worker_size);
	return p;
}

static void instance_link(struct block *b, struct plugin *p)
{
	struct plugin **last = &b->plugins;
	while (*last)
		last = &(*last)->sibling;
	*last = p;
	if (p->type->filter)
		b->filter = p;
	if (p->type->foresee && !b->foreseer)
		b->foreseer = p;
	if (!p->type->serve)
		return;
	struct plugin **link = &b->chain;
	while (*link)
		link = &(*link)->next;
	*link = p;
}

static bool instance_set_up(struct block *b, const struct plugin_entry *entry, unsigned position,
	const struct directive *const *list, size_t count, bool checking, struct complaints *c)
{
	struct plugin *p = instance_new(b, entry->type, position);
	struct setup s = { .self = p,
		.block = b,
		.arena = b->config->arena,
		.state = p->state,
		.complaints = c,
		.checking = checking };
	bool done = setup_plugin(&s, list, count);
	instance_link(b, p);
	return done;
}

static bool directive_set_up(
	struct block *b, unsigned position, bool checking, struct complaints *c)
{
	const struct plugin_entry *entry = registry_at(position);
	const struct directive **list;
	size_t count = occurrences(b->config->arena, b->source, entry->name, &list);
	if (!count)
		return true;
	if (!entry->type) {
		const struct word *w = &list[0]->words[0];
		complain(c, false, w->file, w->line,
			"%s:%u - directive '%s' is known, but not built into this version (missing a plugin?)",
			w->file, w->line, entry->name);
		return false;
	}
	if (!entry->type->each_line)
		return instance_set_up(b, entry, position, list, count, checking, c);
	bool done = true;
	for (size_t i = 0; i < count; i++)
		done = instance_set_up(b, entry, position, &list[i], 1, checking, c) && done;
	return done;
}

static void block_new(struct config *config, struct server_block *source, struct block ***last)
{
	struct block *b = arena_new_object(config->arena, struct block);
	b->config = config;
	b->source = source;
	b->zone_count = source->key_count;
	b->zones = arena_array(config->arena, source->key_count, sizeof *b->zones);
	for (size_t i = 0; i < source->key_count; i++)
		b->zones[i] = source->keys[i].zone;
	**last = b;
	*last = &b->next;
}

struct config *config_build(struct arena *arena, struct corefile *corefile, unsigned workers,
	bool checking, struct complaints *c)
{
	struct config *config = arena_new_object(arena, struct config);
	config->arena = arena;
	config->corefile = corefile;
	config->workers = workers;
	struct block **last = &config->blocks;
	for (struct server_block *s = corefile->blocks; s; s = s->next)
		block_new(config, s, &last);

	bool done = true;
	for (unsigned position = 0; position < registry_count() && (done || checking); position++) {
		for (struct block *b = config->blocks; b && (done || checking); b = b->next)
			done = directive_set_up(b, position, checking, c) && done;
	}
	if (!done || !groups_build(config, c))
		return NULL;
	return config;
}

/* Calls visit for the instances of one directive, in the order of the blocks, until one says stop: that one is given. */
static struct plugin *each_instance(struct config *config, unsigned position,
	bool (*visit)(struct plugin *p, void *data), void *data)
{
	for (struct block *b = config->blocks; b; b = b->next) {
		for (struct plugin *p = b->plugins; p; p = p->sibling) {
			if (p->position == position && !visit(p, data))
				return p;
		}
	}
	return NULL;
}

/* The same for every directive, in their order. */
static struct plugin *each_plugin(
	struct config *config, bool (*visit)(struct plugin *p, void *data), void *data)
{
	struct plugin *stopped = NULL;
	for (unsigned position = 0; position < registry_count() && !stopped; position++)
		stopped = each_instance(config, position, visit, data);
	return stopped;
}

/* The same plugin in the block of the old configuration that has the same first key. */
static struct plugin *predecessor(const struct plugin *p, const struct config *before)
{
	const char *key = p->block->source->keys[0].text;
	unsigned nth = 0;
	for (struct plugin *s = p->block->plugins; s != p; s = s->sibling)
		nth += s->type == p->type;
	for (struct block *b = before ? before->blocks : NULL; b; b = b->next) {
		if (strcmp(b->source->keys[0].text, key) != 0)
			continue;
		for (struct plugin *s = b->plugins; s; s = s->sibling) {
			if (s->type == p->type && nth-- == 0)
				return s;
		}
		return NULL;
	}
	return NULL;
}

static bool start_one(struct plugin *p, void *data)
{
	struct config *before = data;
	return !p->type->start || p->type->start(p, predecessor(p, before));
}

/* Stops those that stand before the one that failed. */
static bool stop_until(struct plugin *p, void *data)
{
	if (p == data)
		return false;
	if (p->type->stop)
		p->type->stop(p);
	return true;
}

bool config_start(struct config *config, struct config *before)
{
	config->control = loop_current();
	config->replaces = before != NULL;
	struct plugin *failed = each_plugin(config, start_one, before);
	if (!failed)
		return true;
	atomic_store(&config->stopping, true);
	each_plugin(config, stop_until, failed);
	return false;
}

void config_stop(struct config *config)
{
	atomic_store(&config->stopping, true);
	each_plugin(config, stop_until, NULL);
}

static bool worker_start_one(struct plugin *p, void *worker)
{
	unsigned index = *(unsigned *)worker;
	if (p->type->worker_start)
		p->type->worker_start(p, p->worker_states[index]);
	return true;
}

static bool worker_stop_one(struct plugin *p, void *worker)
{
	unsigned index = *(unsigned *)worker;
	if (p->type->worker_stop)
		p->type->worker_stop(p, p->worker_states[index]);
	return true;
}

void config_worker_start(struct config *config, unsigned worker)
{
	each_plugin(config, worker_start_one, &worker);
}

void config_worker_stop(struct config *config, unsigned worker)
{
	each_plugin(config, worker_stop_one, &worker);
}

static bool started_one(struct plugin *p, void *data)
{
	(void)data;
	if (p->type->started)
		p->type->started(p);
	return true;
}

void config_started(struct config *config)
{
	each_plugin(config, started_one, NULL);
}

static bool shutdown_one(struct plugin *p, void *data)
{
	(void)data;
	if (p->type->shutdown)
		p->type->shutdown(p);
	return true;
}

/* Backwards: the commands of `on shutdown` come before the wait of `health`, as a load balancer needs it. */
void config_shutdown(struct config *config)
{
	for (unsigned position = (unsigned)registry_count(); position-- > 0;)
		each_instance(config, position, shutdown_one, NULL);
}

void config_discard(struct config *config)
{
	while (atomic_load(&config->tasks) > 0) {
		if (fiber_sleep(TASKS_NAP_MS * NS_PER_MS) == WAIT_STOPPED)
			return;
	}
	arena_free(config->arena);
}
