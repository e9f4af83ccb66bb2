/* The source: what was listed and watched becomes versions that queries see. */
#include "plugins/etcd/source.h"

#include "base/epoch.h"
#include "base/memory.h"
#include "base/random.h"
#include "plugins/etcd/leases.h"
#include "plugins/etcd/state.h"
#include "sync/state_keeper.h"
#include <stdio.h>
#include <stdlib.h>

static const uint64_t publish_interval = 5 * NS_PER_MS;
static const uint64_t pause_first = 200 * NS_PER_MS, pause_most = 10 * NS_PER_S;
static const uint64_t say_interval = 60 * NS_PER_S;

enum { KEYS_MAX = 10000000 };

struct version {
	struct sorted services;
};

struct etcd_source {
	struct etcd_source_settings settings;
	struct etcd_client *client;
	struct etcd_watch watch;
	struct sorted services;   /* what is being changed */
	struct trie_edit edit;
	struct leases leases;
	_Atomic(struct version *) version;
	_Atomic bool failed;
	struct timer publish;
	struct loop *loop;
	uint64_t published;
	uint64_t listing;         /* counts them */
	uint64_t pause;
	uint64_t said;            /* when a failure was last logged; 0: all is well */
	bool complained;          /* of keys that are too many */
	bool restored;            /* all that is known is what the disk had */
	uint64_t changes;         /* how often a version was published */
	struct state_keeper keeper;
};

struct view service_key_of(const void *service)
{
	return service_key(service);
}

/* --- publishing --- */

static void publish(struct etcd_source *s)
{
	struct version *v = memory_alloc(sizeof *v);
	timer_cancel(s->loop, &s->publish);
	s->published = clock_now();
	s->changes++;
	v->services = s->services;
	struct version *old = atomic_exchange(&s->version, v);
	if (old)
		epoch_retire(old, free);
	trie_edit_publish(&s->edit);
}

static void publish_due(struct timer *t)
{
	publish((struct etcd_source *)((char *)t - offsetof(struct etcd_source, publish)));
}

/* At once, unless that was done a moment ago. */
static void publish_soon(void *source)
{
	struct etcd_source *s = source;
	uint64_t due = s->published + publish_interval;
	if (clock_now() >= due)
		publish(s);
	else if (!timer_is_set(&s->publish))
		timer_set(s->loop, &s->publish, due);
}

/* --- changes --- */

static void discard(struct etcd_source *s, struct service *old)
{
	if (old && old->lease)
		leases_release(&s->leases, old->lease);
	trie_edit_discard(&s->edit, old);
}

static void say_broken(struct etcd_source *s, const struct service *service, const char *why)
{
	struct view key = service_key(service);
	plugin_warning(s->settings.self, "the record of the key %.*s is left out: %s", VIEW_ARGS(key), why);
}

static bool has_room(struct etcd_source *s, struct view key)
{
	if (key.length > SERVICE_KEY_MAX)
		return false;
	if (s->services.count < KEYS_MAX || sorted_find(&s->services, service_key_of, key))
		return true;
	if (!s->complained)
		plugin_error(s->settings.self, "more than %d keys: those that are left are not served", KEYS_MAX);
	s->complained = true;
	return false;
}

static void put(struct etcd_source *s, const struct etcd_pair *pair)
{
	const char *why;
	if (!has_room(s, pair->key))
		return;
	struct service *service = service_read(pair->key, pair->value, &why);
	if (why)
		say_broken(s, service, why);
	service->modified = pair->modified;
	service->listing = s->listing;
	if (pair->lease)
		service->lease = leases_hold(&s->leases, pair->lease);
	discard(s, sorted_put(&s->services, service_key_of, &s->edit, service));
}

static void on_change(void *source, const struct etcd_pair *pair, bool deleted)
{
	struct etcd_source *s = source;
	if (deleted)
		discard(s, sorted_remove(&s->services, service_key_of, &s->edit, pair->key));
	else
		put(s, pair);
}

/* --- listing --- */

static bool on_listed(void *source, const struct etcd_pair *pair)
{
	struct etcd_source *s = source;
	struct service *known = sorted_find(&s->services, service_key_of, pair->key);
	int64_t lease = known && known->lease ? known->lease->id : 0;
	if (known && known->modified == pair->modified && lease == pair->lease)
		known->listing = s->listing;
	else
		put(s, pair);
	return true;
}

/* What the listing did not have is gone. */
static void drop_unlisted(struct etcd_source *s)
{
	struct service *service = sorted_first(&s->services, service_key_of, VIEW("")), *next;
	for (; service; service = next) {
		next = sorted_next(&s->services, service_key(service));
		if (service->listing != s->listing)
			discard(s, sorted_remove(&s->services, service_key_of, &s->edit, service_key(service)));
	}
}

static struct etcd_result list(struct etcd_source *s)
{
	int64_t revision = 0;
	s->listing++;
	struct etcd_result r =
		etcd_range(s->client, s->watch.key, s->watch.end, on_listed, s, &revision);
	if (r.end != ETCD_DONE)
		return r;
	drop_unlisted(s);
	s->watch.from = revision + 1;
	s->restored = false;
	publish(s);
	return r;
}

/* --- the task --- */

static bool is_stopping(const struct etcd_source *s)
{
	return s->settings.etcd.stop && atomic_load(s->settings.etcd.stop);
}

/* Failures are logged when they begin, and now and then while they last. */
static void say_failed(struct etcd_source *s, const struct etcd_result *r)
{
	uint64_t now = clock_now();
	atomic_store(&s->failed, true);
	if (s->said && now - s->said < say_interval)
		return;
	s->said = now;
	plugin_error(s->settings.self, "cannot follow the keys of %.*s: %s; %s", VIEW_ARGS(s->settings.prefix), r->error,
		atomic_load(&s->version) ? "what is known is served" : "nothing is known yet");
}

static void say_well(struct etcd_source *s)
{
	if (s->said)
		plugin_info(s->settings.self, "follows the keys of %.*s again", VIEW_ARGS(s->settings.prefix));
	s->said = 0;
	s->pause = 0;
}

/* Twice as long each time, and of no length that others have. */
static bool pause_between(struct etcd_source *s)
{
	s->pause = !s->pause ? pause_first : 2 * s->pause < pause_most ? 2 * s->pause : pause_most;
	uint64_t half = s->pause / 2;
	return task_sleep(s->settings.self, half + (uint64_t)random_below((uint32_t)(half / NS_PER_MS) + 1) * NS_PER_MS);
}

static void on_caught_up(void *source)
{
	struct etcd_source *s = source;
	say_well(s);
	publish_soon(s);
}

/* Lists where that is needed, and watches until that ends. */
static struct etcd_result follow_once(struct etcd_source *s)
{
	if (!s->watch.from) {
		struct etcd_result r = list(s);
		if (r.end != ETCD_DONE)
			return r;
		say_well(s);
	}
	struct etcd_result r = etcd_watch(s->client, &s->watch);
	if (s->watch.heard)
		say_well(s);
	if (r.end == ETCD_COMPACTED)
		s->watch.from = 0;
	return r;
}

static void follow(struct plugin *self, void *source)
{
	struct etcd_source *s = source;
	(void)self;
	while (!is_stopping(s)) {
		struct etcd_result r = follow_once(s);
		if (is_stopping(s))
			break;
		/* Whom history has left behind lists again; a second time in a row not at once. */
		if (r.end == ETCD_COMPACTED && !s->pause) {
			s->pause = pause_first;
			continue;
		}
		say_failed(s, &r);
		if (!pause_between(s))
			break;
	}
	timer_cancel(s->loop, &s->publish);
}

static void follow_leases(struct plugin *self, void *source)
{
	struct etcd_source *s = source;
	leases_follow(&s->leases, s->client, self);
}

/* --- the state on the disk --- */

static void on_restored(void *source, struct service *service, int64_t lease)
{
	struct etcd_source *s = source;
	if (lease)
		service->lease = leases_hold(&s->leases, lease);
	discard(s, sorted_put(&s->services, service_key_of, &s->edit, service));
}

static void restore(struct etcd_source *s)
{
	const char *path = s->settings.persist;
	struct state_problem why;
	switch (etcd_state_read(path, s->settings.identity, on_restored, s, &why)) {
	case STATE_READ:
		s->restored = true;
		publish(s);
		plugin_info(s->settings.self, "serving the keys of %.*s from %s until etcd answers",
			VIEW_ARGS(s->settings.prefix), path);
		break;
	case STATE_NONE:
		break;
	case STATE_REFUSED:
		plugin_warning(s->settings.self, "the state on disk is not used: %s", why.text);
		break;
	}
}

/* Only what etcd has told is written: what was restored stands on the disk already. */
static uint64_t version(const void *source)
{
	const struct etcd_source *s = source;
	return s->restored ? 0 : s->changes;
}

static bool write_state(void *source, struct state_problem *why)
{
	struct etcd_source *s = source;
	return etcd_state_write(s->settings.persist, s->settings.identity, etcd_source_services(s), why);
}

/* --- life --- */

struct etcd_source *etcd_source_new(const struct etcd_source_settings *settings)
{
	struct etcd_source *s = memory_array(1, sizeof *s);
	s->settings = *settings;
	s->edit.generation = 1;
	s->leases.edit = &s->edit;
	s->publish.fire = publish_due;
	s->keeper = (struct state_keeper){ .owner = s, .version = version, .write = write_state };
	return s;
}

void etcd_source_free(void *source)
{
	struct etcd_source *s = source;
	if (!s)
		return;
	if (s->loop)
		timer_cancel(s->loop, &s->publish);
	trie_edit_publish(&s->edit);
	sorted_free(&s->services, free);
	leases_free(&s->leases);
	free(atomic_load(&s->version));
	etcd_client_free(s->client);
	free(s);
}

/* Copies what another source knows: both go on by themselves. */
static void take_over(struct etcd_source *s, const struct etcd_source *from)
{
	const struct sorted *known = etcd_source_services(from);
	if (!known || strcmp(s->settings.identity, from->settings.identity) != 0)
		return;
	struct service *old = sorted_first(known, service_key_of, VIEW(""));
	for (; old; old = sorted_next(known, service_key(old))) {
		struct service *copy = service_copy(old);
		if (old->lease) {
			copy->lease = leases_hold(&s->leases, old->lease->id);
			atomic_store(&copy->lease->end, atomic_load(&old->lease->end));
		}
		sorted_put(&s->services, service_key_of, &s->edit, copy);
	}
	publish(s);
	s->watch.from = from->watch.from;
}

bool etcd_source_open(struct etcd_source *s, struct arena *arena, const char **why)
{
	s->loop = loop_current();
	s->client = etcd_client_new(s->loop, arena, &s->settings.etcd, why);
	return s->client != NULL;
}

bool etcd_source_start(
	struct etcd_source *s, const struct etcd_source *before, struct arena *arena, const char **why)
{
	if (!etcd_source_open(s, arena, why))
		return false;
	s->watch = (struct etcd_watch){
		.key = s->settings.prefix,
		.end = etcd_prefix_end(arena, s->settings.prefix),
		.changed = on_change,
		.caught_up = on_caught_up,
		.owner = s,
	};
	if (before)
		take_over(s, before);
	if (s->settings.persist && !s->changes)
		restore(s);
	if (s->settings.persist)
		state_keeper_start(&s->keeper, s->settings.self);
	task_start(s->settings.self, follow, s);
	task_start(s->settings.self, follow_leases, s);
	return true;
}

bool etcd_source_synced(const struct etcd_source *s)
{
	return atomic_load(&s->version) != NULL && !s->restored && !s->leases.fresh && !s->leases.asking;
}

bool etcd_source_failed(const struct etcd_source *s)
{
	return atomic_load(&s->failed);
}

const struct sorted *etcd_source_services(const struct etcd_source *s)
{
	const struct version *v = atomic_load_explicit(&s->version, memory_order_acquire);
	return v ? &v->services : NULL;
}

/* --- questions to etcd itself --- */

static bool on_asked(void *owner, const struct etcd_pair *pair)
{
	struct etcd_ask *a = owner;
	const char *why;
	if (pair->key.length > SERVICE_KEY_MAX)
		return true;
	if (a->count == a->capacity) {
		a->capacity = a->capacity ? 2 * a->capacity : 8;
		a->services = memory_resize(a->services, a->capacity, sizeof *a->services);
		a->leases = memory_resize(a->leases, a->capacity, sizeof *a->leases);
	}
	struct service *service = service_read(pair->key, pair->value, &why);
	if (pair->lease) {
		service->lease = memory_array(1, sizeof *service->lease);
		service->lease->id = pair->lease;
	}
	a->leases[a->count] = service->lease;
	a->services[a->count++] = service;
	return a->count < SERVICES_MAX;
}

/* Neighbours often share a lease: it is asked for once. */
static void ask_leases(struct etcd_ask *a)
{
	const struct service_lease *last = NULL;
	for (size_t i = 0; i < a->count; i++) {
		struct service_lease *lease = a->leases[i];
		if (!lease)
			continue;
		if (last && last->id == lease->id)
			atomic_store(&lease->end, atomic_load(&last->end));
		else
			lease_ask(lease, a->source->client);
		last = lease;
	}
}

/* What is below the path, or else the key itself. */
void etcd_ask_run(struct plugin *self, void *ask)
{
	struct etcd_ask *a = ask;
	struct etcd_client *client = a->source->client;
	struct etcd_result r = { .end = ETCD_DONE };
	(void)self;
	if (!a->exact) {
		struct arena *arena = arena_new(1024);
		struct view prefix = view_of(arena_printf(arena, "%.*s/", VIEW_ARGS(a->path)));
		r = etcd_range(client, prefix, etcd_prefix_end(arena, prefix), on_asked, a, NULL);
		arena_free(arena);
	}
	if (r.end == ETCD_DONE && !a->count)
		r = etcd_range(client, a->path, VIEW(""), on_asked, a, NULL);
	if (r.end != ETCD_DONE && a->count < SERVICES_MAX)
		snprintf(a->error, sizeof a->error, "%s", r.error[0] ? r.error : "stopped");
	else
		ask_leases(a);
	errand_done(&a->errand);
}

static void ask_free(void *ask)
{
	struct etcd_ask *a = ask;
	for (size_t i = 0; i < a->count; i++) {
		free(a->leases[i]);
		free(a->services[i]);
	}
	free(a->services);
	free(a->leases);
	free(a);
}

struct etcd_ask *etcd_ask_new(struct etcd_source *s, struct view path, bool exact)
{
	struct etcd_ask *a = memory_array(1, sizeof *a + path.length);
	memcpy(a + 1, path.at, path.length);
	a->path = (struct view){ (const char *)(a + 1), path.length };
	a->source = s;
	a->exact = exact;
	a->errand.free = ask_free;
	return a;
}
