/* The mirror's life: when each zone is listed, and what becomes of that. */
#include "sync/mirror_parts.h"

#include "base/epoch.h"
#include "base/memory.h"
#include "base/random.h"
#include "server/block.h"
#include <stdio.h>
#include <stdlib.h>

enum {
	TASKS_MOST = 4,             /* listings at once */
	SHRUNK_TIMES = 5,           /* in a row, until a listing that is suspiciously small is believed */
	SHRINK_RECORDS_LEAST = 10,  /* smaller zones may shrink at will, but not to nothing */
};

static const uint64_t look_interval = 5 * NS_PER_MS;
static const uint64_t idle_interval = NS_PER_S / 2; /* between looks for something to list */
static const uint64_t pause_longest = 60 * NS_PER_S; /* between listings that fail, unless the interval is longer */
static const uint64_t pause_unserved = 2 * NS_PER_S; /* the first of them while there is nothing to serve */

/* --- copies, which a reload hands on --- */

struct mirror_copy *mirror_copy_new(struct zone *zone, uint64_t digest)
{
	struct mirror_copy *c = memory_array(1, sizeof *c);
	*c = (struct mirror_copy){ zone, digest, 1 };
	return c;
}

static void copy_drop(struct mirror_copy *c)
{
	if (!c || --c->owners)
		return;
	epoch_retire(c->zone, zone_free);
	free(c);
}

/* Lets queries see this copy in place of the one before. */
static void publish(struct mirror_zone *z, struct mirror_copy *c)
{
	struct mirror_copy *old = z->copy;
	z->copy = c;
	atomic_store_explicit(&z->zone, c ? c->zone : NULL, memory_order_release);
	copy_drop(old);
}

/* --- listing --- */

static bool is_stopping(const struct mirror *m)
{
	return atomic_load(&m->settings.self->block->config->stopping);
}

/* Some tenth more or less, so that zones and servers that started together do not ask together for ever. */
static uint64_t with_jitter(uint64_t ns)
{
	return ns - ns / 10 + ns / 5 / 1024 * random_below(1024);
}

static void schedule(struct mirror_zone *z)
{
	uint64_t interval = z->mirror->settings.interval, pause = interval;
	if (!z->copy && pause > pause_unserved)
		pause = pause_unserved;
	for (unsigned i = 1; i < z->failures && pause < pause_longest; i++)
		pause *= 2;
	if (pause > pause_longest && pause > interval)
		pause = interval > pause_longest ? interval : pause_longest;
	z->due = clock_now() + with_jitter(pause);
}

static void say_recovered(const struct mirror_zone *z)
{
	if (z->failures)
		plugin_info(z->mirror->settings.self, "Updated zone %s from %s again after %u failures",
			z->origin_text, z->id, z->failures);
}

static void succeeded(struct mirror_zone *z, enum mirror_result result)
{
	say_recovered(z);
	z->failures = 0;
	z->shrunk = 0;
	atomic_store(&z->listed, clock_now());
	mirror_count(z, result);
}

static void fail_start(struct mirror_zone *z, const char *why)
{
	const char *name = z->mirror->settings.provider->name;
	struct text t = { 0 };
	if (z->checked)
		text_printf(&t, "failed to initialize %s plugin: errors updating zones: [%s]", name, why);
	else
		text_printf(&t, "failed to create %s plugin: %s", name, why);
	z->failure = t.at;
}

/* A provider that is asked too much is no reason not to start. */
static void failed(struct mirror_zone *z, const struct mirror_listing *l)
{
	const char *why = l->error ? l->error : "unknown reason";
	z->failures++;
	mirror_count(z, MIRROR_FAILED);
	if (!z->settled && !l->throttled)
		fail_start(z, why);
	else
		plugin_error(z->mirror->settings.self,
			"Failed to update zones [%s]: errors updating zones: [%s]", z->origin_text, why);
}

/* Whether so few records are a fault of the provider's rather than somebody's wish. */
static bool is_suspicious(struct mirror_zone *z, const struct zone *fresh, uint64_t digest)
{
	unsigned percent = z->mirror->settings.shrink_guard;
	if (!percent || !z->copy)
		return false;
	size_t before = zone_record_count(z->copy->zone), now = zone_record_count(fresh);
	if (before < SHRINK_RECORDS_LEAST || now >= before * percent / 100)
		return false;
	z->shrunk = z->shrunk_digest == digest ? z->shrunk + 1 : 1;
	z->shrunk_digest = digest;
	if (z->shrunk >= SHRUNK_TIMES)
		return false;
	plugin_warning(z->mirror->settings.self,
		"Zone %s: %s has %zu records where %zu are served: they go on being served, unless it says so %d times in a row (shrink_guard)",
		z->origin_text, z->id, now, before, SHRUNK_TIMES);
	mirror_count(z, MIRROR_SHRUNK);
	return true;
}

static void save(struct mirror_zone *z)
{
	if (z->mirror->settings.persist && !z->kept)
		z->kept = mirror_state_save(z);
}

void mirror_take_copy(struct mirror_zone *z, struct mirror_copy *c, uint64_t ns)
{
	uint64_t now = clock_now();
	publish(z, c);
	atomic_store(&z->listed, now > ns ? now - ns : 1);
	z->kept = false;
	z->settled = true;
	z->failures = 0;
	mirror_count(z, MIRROR_LISTED);
	save(z);
}

/* Takes what was listed. False after mirror_fail(). */
static bool take(struct mirror_zone *z, struct mirror_intake *in)
{
	if (z->copy && z->copy->digest == in->digest) {
		succeeded(z, MIRROR_UNCHANGED);
		return true;
	}
	struct zone *fresh = mirror_intake_seal(in);
	if (!fresh)
		return false;
	if (is_suspicious(z, fresh, in->digest)) {
		zone_free(fresh);
		return true;
	}
	publish(z, mirror_copy_new(fresh, in->digest));
	z->kept = false;
	z->share.version[0] = 0;
	succeeded(z, MIRROR_LISTED);
	return true;
}

static bool list(struct mirror_zone *z, struct mirror_listing *l)
{
	struct mirror *m = z->mirror;
	struct mirror_intake in;
	mirror_intake_begin(&in, l, m->settings.records_most ? m->settings.records_most : MIRROR_RECORDS_MOST);
	bool done = m->settings.provider->list(l) && take(z, &in);
	if (done)
		mirror_intake_summary(&in);
	mirror_intake_end(&in);
	return done;
}

static bool check(struct mirror_zone *z, struct mirror_listing *l)
{
	const struct mirror_provider *p = z->mirror->settings.provider;
	z->checked = z->checked || z->copy || !p->check || p->check(l);
	return z->checked;
}

/* One round of one zone. */
static void update(struct mirror_zone *z)
{
	struct mirror *m = z->mirror;
	struct mirror_listing l = { .self = m->settings.self,
		.provider = m->settings.provider_data,
		.origin = z->origin,
		.id = z->id,
		.zone_data = z->data,
		.http = m->http,
		.stop = &m->settings.self->block->config->stopping,
		.arena = arena_new(4096) };
	bool done = check(z, &l) && list(z, &l);
	if (!done && !is_stopping(m))
		failed(z, &l);
	z->settled |= z->copy || z->failure;
	if (done)
		save(z);
	if (done && m->lead && z->copy)
		mirror_lead_share(z);
	arena_free(l.arena);
	schedule(z);
}

/* --- tasks --- */

/* The zone to be listed next; NULL: all are being listed, or others do it. */
static struct mirror_zone *next_due(const struct mirror *m)
{
	struct mirror_zone *first = NULL;
	for (struct mirror_zone *z = m->newest; z; z = z->older) {
		if (!z->busy && !z->failure && mirror_lead_may_list(z) && (!first || z->due <= first->due))
			first = z;
	}
	return first;
}

static void say_end(const struct mirror *m)
{
	const struct mirror_settings *s = &m->settings;
	if (log_debug_on())
		log_line(LOG_DEBUG, s->provider->name,
			"Breaking out of %s update loop: context canceled", s->provider->title);
}

static void run(struct plugin *self, void *data)
{
	struct mirror *m = data;
	for (;;) {
		struct mirror_zone *z = next_due(m);
		uint64_t now = clock_now(), due = z ? z->due : now + idle_interval;
		if (due > now && !task_sleep(self, due - now))
			break;
		z = next_due(m);
		if (is_stopping(m))
			break;
		if (!z || z->due > clock_now())
			continue;
		z->busy = true;
		update(z);
		z->busy = false;
	}
	say_end(m);
}

/* --- the start --- */

static struct mirror_zone *find_same(const struct mirror *m, const struct mirror_zone *like)
{
	struct mirror_zone *z = name_map_exact(&m->origins, like->origin);
	while (z && strcmp(z->id, like->id) != 0)
		z = z->same;
	return z;
}

/* Goes on with what the configuration before has: queries see no gap, and the provider is not asked at once. */
static void take_over(struct mirror_zone *z, struct mirror_zone *from)
{
	from->copy->owners++;
	publish(z, from->copy);
	atomic_store(&z->listed, atomic_load(&from->listed));
	z->kept = from->kept;
	z->failures = from->failures;
	z->settled = true;
	z->due = clock_now() + with_jitter(z->mirror->settings.interval) / 1024 * random_below(1024);
}

static void take_over_all(struct mirror *m, const struct mirror *before)
{
	if (!before || before->settings.provider != m->settings.provider ||
		strcmp(before->settings.identity, m->settings.identity) != 0)
		return;
	for (struct mirror_zone *z = m->newest; z; z = z->older) {
		struct mirror_zone *from = find_same(before, z);
		if (from && from->copy)
			take_over(z, from);
	}
}

static void read_state(struct mirror_zone *z, struct arena *arena)
{
	uint64_t written;
	struct mirror_copy *c = mirror_state_load(z, &written);
	if (!c)
		return;
	int64_t age = clock_wall_seconds() - (int64_t)written;
	uint64_t now = clock_now(), ns = age > 0 ? (uint64_t)age * NS_PER_S : 0;
	publish(z, c);
	atomic_store(&z->listed, now > ns ? now - ns : 1);
	z->kept = z->settled = true;
	plugin_info(z->mirror->settings.self, "Zone %s: begins with what %s had %s ago", z->origin_text, z->id,
		duration_print(arena, (int64_t)ns));
}

static void read_states(struct mirror *m, struct arena *arena)
{
	for (struct mirror_zone *z = m->newest; z && m->settings.persist; z = z->older) {
		if (!z->copy)
			read_state(z, arena);
	}
}

/* The first zone that is waited for, or whose failure ends the start; NULL: there is none. */
static const struct mirror_zone *first_missing(const struct mirror *m)
{
	const struct mirror_zone *missing = NULL;
	for (const struct mirror_zone *z = m->newest; z; z = z->older) {
		if (z->failure)
			return z;
		if (!z->settled)
			missing = z;
	}
	return missing;
}

/* False when the start is to fail: *missing says for which zone. */
static bool wait_for_zones(const struct mirror *m, const struct mirror_zone **missing)
{
	const struct mirror_settings *s = &m->settings;
	uint64_t end = s->start_timeout ? clock_now() + s->start_timeout : UINT64_MAX;
	while ((*missing = first_missing(m)) && !(*missing)->failure) {
		if (fiber_sleep(look_interval) == WAIT_STOPPED)
			return true;
		if (clock_now() < end)
			continue;
		plugin_warning(s->self, "starting server before zone %s is there", (*missing)->origin_text);
		return true;
	}
	return *missing == NULL;
}

/* From now on a zone that is not there is waited for. */
static void settle_all(struct mirror *m)
{
	for (struct mirror_zone *z = m->newest; z; z = z->older)
		z->settled = true;
}

bool mirror_start(struct mirror *m, struct mirror *before, struct arena *arena, const char **why)
{
	const struct mirror_zone *missing;
	m->http = http_client_new(loop_current(), arena, why);
	if (!m->http)
		return false;
	for (struct mirror_zone *z = m->newest; z; z = z->older)
		mirror_counts_find(z);
	metrics_on_collect(mirror_counts_collect, m);
	m->collecting = true;
	take_over_all(m, before);
	read_states(m, arena);
	if (m->settings.lead && !mirror_lead_start(m, arena, why))
		return false;
	for (size_t i = 0; i < m->zone_count && i < TASKS_MOST; i++)
		task_start(m->settings.self, run, m);
	if (wait_for_zones(m, &missing)) {
		settle_all(m);
		return true;
	}
	*why = arena_string(arena, view_of(missing->failure));
	return false;
}

void mirror_shutdown(struct mirror *m)
{
	if (m->lead)
		mirror_lead_resign(m->lead);
}

bool mirror_ready(const struct mirror *m)
{
	for (const struct mirror_zone *z = m->newest; z; z = z->older) {
		if (!z->copy)
			return false;
	}
	return true;
}

/* --- life --- */

struct mirror *mirror_new(const struct mirror_settings *settings)
{
	struct mirror *m = memory_array(1, sizeof *m);
	m->settings = *settings;
	m->arena = arena_new(4096);
	return m;
}

void mirror_free(void *mirror)
{
	struct mirror *m = mirror;
	if (!m)
		return;
	if (m->collecting)
		metrics_on_collect_remove(mirror_counts_collect, m);
	for (struct mirror_zone *z = m->newest; z; z = z->older) {
		publish(z, NULL);
		free(z->failure);
	}
	mirror_lead_free(m->lead);
	http_client_free(m->http);
	arena_free(m->arena);
	free(m);
}

void mirror_add_zone(struct mirror *m, struct name origin, const char *id, void *zone_data)
{
	struct mirror_zone *z = arena_new_object(m->arena, struct mirror_zone);
	struct mirror_zone **last;
	z->mirror = m;
	z->origin = origin;
	z->origin_text = name_text(m->arena, origin);
	z->id = id;
	z->data = zone_data;
	z->older = m->newest;
	m->newest = z;
	m->zone_count++;
	last = (struct mirror_zone **)&name_map_add(&m->origins, m->arena, origin)->value;
	while (*last)
		last = &(*last)->same;
	*last = z;
}

/* --- for queries --- */

const struct mirror_zone *mirror_above(const struct mirror *m, struct name qname)
{
	return name_map_longest(&m->origins, qname, NAME_MAP_ANY);
}

const struct mirror_zone *mirror_next(const struct mirror_zone *z)
{
	return z->same;
}

const struct zone *mirror_zone(const struct mirror_zone *z)
{
	return atomic_load_explicit(&z->zone, memory_order_acquire);
}

uint64_t mirror_zone_age(const struct mirror_zone *z)
{
	return clock_now() - atomic_load(&z->listed);
}

const char *mirror_zone_id(const struct mirror_zone *z)
{
	return z->id;
}
