/* What the plugins that mirror zones have in common. */
#include "plugins/mirror_plugin.h"

#include "plugins/mirror_answer.h"
#include "server/block.h"
#include "server/sandbox.h"

enum { SHRINK_GUARD = 50 };

static const uint64_t interval = 60 * NS_PER_S;
static const uint64_t start_timeout = 30 * NS_PER_S;

struct mirror_named {
	struct mirror_named *next;
	struct name origin;
	const char *id;
	void *data;
};

static struct mirror_settings *settings_of(const struct setup *s)
{
	return &((struct mirror_plugin *)s->state)->settings;
}

void mirror_plugin_init(struct setup *s, const struct mirror_provider *provider)
{
	struct mirror_plugin *p = s->state;
	p->last = &p->zones;
	p->settings = (struct mirror_settings){ .self = s->self,
		.provider = provider,
		.interval = interval,
		.start_timeout = start_timeout,
		.shrink_guard = SHRINK_GUARD };
}

bool mirror_plugin_zone(struct setup *s, struct view origin, const char *id, void *zone_data)
{
	struct mirror_plugin *p = s->state;
	struct name_buffer name, lower;
	if (!name_parse(origin, name_root, &name))
		return setup_error(s, "invalid zone \"%.*s\"", VIEW_ARGS(origin));
	struct mirror_named *z = arena_new_object(s->arena, struct mirror_named);
	z->origin = name_copy(s->arena, name_lower(name_of(&name), &lower));
	z->id = id;
	z->data = zone_data;
	*p->last = z;
	p->last = &z->next;
	return true;
}

bool mirror_plugin_has_zone(const struct setup *s, struct view origin, const char *id)
{
	const struct mirror_plugin *p = s->state;
	struct name_buffer name;
	if (!name_parse(origin, name_root, &name))
		return false;
	for (const struct mirror_named *z = p->zones; z; z = z->next) {
		if (name_equal(z->origin, name_of(&name)) && strcmp(z->id, id) == 0)
			return true;
	}
	return false;
}

bool mirror_plugin_finish(struct setup *s, void *provider_data, const char *identity)
{
	struct mirror_plugin *p = s->state;
	setup_secret(s);
	if (p->settings.persist)
		sandbox_need(s->block->config, view_of(p->settings.persist), true);
	if (s->checking || !p->zones)
		return true;
	p->settings.provider_data = provider_data;
	p->settings.identity = identity;
	p->mirror = mirror_new(&p->settings);
	arena_on_free(s->arena, mirror_free, p->mirror);
	for (const struct mirror_named *z = p->zones; z; z = z->next)
		mirror_add_zone(p->mirror, z->origin, z->id, z->data);
	return true;
}

bool mirror_plugin_start(struct plugin *self, struct plugin *before)
{
	const struct mirror_plugin *p = self->state, *old = before ? before->state : NULL;
	const char *why;
	if (!p->mirror)
		return true;
	return mirror_start(p->mirror, old ? old->mirror : NULL, self->block->config->arena, &why) ||
	       start_error(self, "%s", why);
}

void mirror_plugin_shutdown(struct plugin *self)
{
	const struct mirror_plugin *p = self->state;
	if (p->mirror)
		mirror_shutdown(p->mirror);
}

bool mirror_plugin_ready(struct plugin *self)
{
	const struct mirror_plugin *p = self->state;
	return !p->mirror || mirror_ready(p->mirror);
}

static const struct mirror_zone *zones_above(const struct plugin *self, struct name qname)
{
	const struct mirror_plugin *p = self->state;
	return p->mirror ? mirror_above(p->mirror, qname) : NULL;
}

static const struct zone *zone_of(const struct plugin *self, struct name qname)
{
	const struct mirror_zone *z = zones_above(self, qname);
	return z ? mirror_zone(z) : NULL;
}

void mirror_plugin_foresee(struct plugin *self, const struct foreseen *questions, unsigned count)
{
	zone_answer_foresee(self, zone_of, questions, count);
}

int mirror_plugin_serve(struct plugin *self, struct query *q)
{
	const struct mirror_plugin *p = self->state;
	const struct mirror_zone *first = zones_above(self, q->name);
	return first ? mirror_answer(self, q, first, zone_of, &p->fallthrough) : next(self, q);
}

/* "zone example.org. (Z1): 12 records, listed 3s ago", and so on for each hosted zone of the name. */
const char *mirror_plugin_source(const struct plugin *self, struct query *q)
{
	const char *text = NULL;
	for (const struct mirror_zone *m = zones_above(self, q->name); m; m = mirror_next(m)) {
		const struct zone *z = mirror_zone(m);
		const char *state = "never listed";
		if (z)
			state = arena_printf(q->arena, "%zu records, listed %s ago", zone_record_count(z),
				duration_print(q->arena,
					(int64_t)(mirror_zone_age(m) / NS_PER_S * NS_PER_S)));
		text = arena_printf(q->arena, "%s%szone %s (%s): %s", text ? text : "", text ? "; " : "",
			z ? name_text(q->arena, zone_origin(z)) : "", mirror_zone_id(m), state);
	}
	return text;
}

/* --- options --- */

bool mirror_plugin_read_fallthrough(struct setup *s)
{
	return args_fallthrough(s, &((struct mirror_plugin *)s->state)->fallthrough);
}

static bool is_number(struct view word)
{
	int32_t n;
	return view_integer(word, &n);
}

/* A bare number is of seconds. */
bool mirror_plugin_read_refresh(struct setup *s)
{
	struct view word, *rest;
	const char *why;
	int64_t ns;
	if (!arg_need(s, &word))
		return false;
	args_rest(s, &rest);
	const char *text = arena_printf(s->arena, "%.*s%s", VIEW_ARGS(word), is_number(word) ? "s" : "");
	if (!duration_parse(s->arena, view_of(text), &ns, &why))
		return setup_error(s, "Unable to parse duration: %s", why);
	if (ns <= 0)
		return setup_error(s, "refresh interval must be greater than 0: \"%s\"", text);
	settings_of(s)->interval = (uint64_t)ns;
	return true;
}

bool mirror_plugin_read_endpoint(struct setup *s)
{
	struct mirror_plugin *p = s->state;
	struct view word;
	if (!arg_need(s, &word))
		return false;
	while (word.length && word.at[word.length - 1] == '/')
		word.length--;
	p->endpoint = arena_string(s->arena, word);
	return true;
}

bool mirror_plugin_read_persist(struct setup *s)
{
	struct view word;
	if (!arg_need(s, &word))
		return false;
	settings_of(s)->persist = block_path(s->block, s->arena, word);
	return arg_end(s);
}

bool mirror_plugin_read_lead(struct setup *s)
{
	struct view *words;
	size_t count = args_rest(s, &words);
	if (!count)
		return setup_argument_error(s);
	const char **endpoints = arena_array(s->arena, count, sizeof *endpoints);
	for (size_t i = 0; i < count; i++)
		endpoints[i] = arena_string(s->arena, words[i]);
	settings_of(s)->lead = endpoints;
	settings_of(s)->lead_count = count;
	return true;
}

bool mirror_plugin_read_shrink_guard(struct setup *s)
{
	struct view word;
	uint64_t percent = 0;
	if (!arg_need(s, &word))
		return false;
	if (!view_is(word, "off") && !view_unsigned(word, 100, &percent))
		return setup_error(s, "shrink_guard needs a number from 0 to 100 or off: \"%.*s\"",
			VIEW_ARGS(word));
	settings_of(s)->shrink_guard = (unsigned)percent;
	return arg_end(s);
}

bool mirror_plugin_read_start_timeout(struct setup *s)
{
	int64_t ns;
	if (!arg_duration(s, &ns))
		return false;
	if (ns <= 0)
		return setup_error(s, "start_timeout must be greater than 0");
	settings_of(s)->start_timeout = (uint64_t)ns;
	return arg_end(s);
}

bool mirror_plugin_read_upstream(struct setup *s)
{
	struct view *rest;
	args_rest(s, &rest);
	return true;
}
