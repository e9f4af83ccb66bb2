/*
 * The source: one blocking query tells when anything has changed in Nomad's table of services, and which services there are. What a
 * service consists of is fetched when it is asked for, and good until the table changes. Where Nomad gives no index to wait for, each
 * query asks.
 */
#include "plugins/nomad/nomad.h"

#include "base/encoding.h"
#include "base/epoch.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/trie.h"
#include "plugins/nomad/decode.h"
#include "server/block.h"
#include "sync/url.h"
#include <stdio.h>
#include <stdlib.h>

enum {
	WAIT_SECONDS = 60,
	SERVICES_KEPT = 10000,
	BODY_MAX = 64 << 20,
	ERROR_BODY_MAX = 160,
};

static const uint64_t connect_timeout = 2 * NS_PER_S;
static const uint64_t ask_timeout = 5 * NS_PER_S;
static const uint64_t between_changes = 20 * NS_PER_MS;
static const uint64_t unwatchable_pause = 60 * NS_PER_S;
static const uint64_t pause_first = 200 * NS_PER_MS, pause_most = 10 * NS_PER_S;

/* A service that there is, or, with nothing behind the slash, a namespace. */
struct known_name {
	uint64_t hash;
	struct view key; /* behind this */
};

struct version {
	struct trie services, names;
	uint64_t index; /* of Nomad's table */
	bool watched;   /* `names` are all that there are, and `index` follows the table */
	bool away;      /* Nomad does not answer: what is known counts */
};

/* A service that is being fetched. */
struct flight {
	struct flight *next;
	struct view key;
};

struct nomad_source {
	struct plugin *self;
	const struct nomad_access *access;
	struct http_client *client;
	struct version now; /* what is being changed */
	struct trie_edit edit;
	_Atomic(struct version *) version;
	size_t current;     /* the address that answered last */
	struct flight *flights;
	uint64_t pause;
};

/* --- keys --- */

static uint64_t hash_of_key(struct view key)
{
	return hash_bytes(key.at, key.length);
}

static uint64_t hash_of_service(const void *value)
{
	return ((const struct nomad_service *)value)->hash;
}

static bool service_matches(const void *value, const void *key)
{
	return view_equal(((const struct nomad_service *)value)->key, *(const struct view *)key);
}

static uint64_t hash_of_name(const void *value)
{
	return ((const struct known_name *)value)->hash;
}

static bool name_matches(const void *value, const void *key)
{
	return view_equal(((const struct known_name *)value)->key, *(const struct view *)key);
}

static const struct trie_type services_by_key = { hash_of_service, service_matches };
static const struct trie_type names_by_key = { hash_of_name, name_matches };

static const struct nomad_service *find_service(const struct version *v, struct view key)
{
	return trie_find(&v->services, &services_by_key, hash_of_key(key), &key);
}

static bool has_name(const struct version *v, struct view key)
{
	return trie_find(&v->names, &names_by_key, hash_of_key(key), &key) != NULL;
}

static void publish(struct nomad_source *s)
{
	struct version *v = memory_alloc(sizeof *v);
	*v = s->now;
	struct version *old = atomic_exchange(&s->version, v);
	if (old)
		epoch_retire(old, free);
	trie_edit_publish(&s->edit);
}

static void add_name(struct nomad_source *s, struct trie *names, struct view namespace, struct view name)
{
	size_t length = namespace.length + 1 + name.length;
	struct known_name *n = memory_alloc(sizeof *n + length);
	char *text = (char *)(n + 1);
	memcpy(text, namespace.at, namespace.length);
	text[namespace.length] = '/';
	memcpy(text + namespace.length + 1, name.at, name.length);
	n->key = (struct view){ text, length };
	n->hash = hash_of_key(n->key);
	trie_edit_discard(&s->edit, trie_put(names, &names_by_key, &s->edit, n->hash, &n->key, n));
}

/* --- one request --- */

struct asking {
	struct nomad_reading reading; /* of a service */
	struct nomad_listing *listing; /* in its place: of the list */
	uint64_t index;
	long status;
	size_t octets;
	struct text body; /* of an error */
};

static bool on_head(void *owner, long status, struct view type)
{
	struct asking *a = owner;
	(void)type;
	a->status = status;
	return true;
}

static bool on_field(void *owner, struct view name, struct view value)
{
	struct asking *a = owner;
	if (view_equal_nocase(name, VIEW("X-Nomad-Index")))
		view_unsigned(value, UINT64_MAX, &a->index);
	return true;
}

static bool on_octets(void *owner, struct view octets)
{
	struct asking *a = owner;
	a->octets += octets.length;
	if (a->status != 200) {
		size_t room = ERROR_BODY_MAX - a->body.length;
		text_add(&a->body, octets.length < room ? octets : view_first(octets, room));
		return a->body.length < ERROR_BODY_MAX;
	}
	if (a->octets > BODY_MAX)
		return false;
	return a->listing ? nomad_list(a->listing, octets) : nomad_read(&a->reading, octets);
}

static struct http_result perform(
	struct nomad_source *s, struct asking *a, const char *path, size_t address, uint64_t timeout)
{
	const struct nomad_access *access = s->access;
	const struct nomad_address *to = &access->addresses[address];
	const char *headers[3] = { 0 };
	struct text url = { 0 };
	size_t count = 0;
	if (access->token)
		headers[count++] = access->token;
	if (access->authorization)
		headers[count++] = access->authorization;
	text_printf(&url, "%s%s", to->url, path);
	struct http_request r = {
		.url = url.at,
		.unix_socket = to->unix_socket,
		.connect_to = to->connect_to,
		.headers = headers,
		.tls = &access->tls,
		.stay = true,
		.connect_timeout = connect_timeout,
		.timeout = timeout,
		.stop = &s->self->block->config->stopping,
		.head = on_head,
		.field = on_field,
		.receive = on_octets,
		.owner = a,
	};
	struct http_result result = http_perform(s->client, &r);
	text_free(&url);
	return result;
}

static bool is_complete(struct asking *a)
{
	return a->listing ? nomad_list_complete(a->listing) : nomad_read_complete(&a->reading);
}

/* Why there is no answer, in room for 256 octets; empty if there is one. */
static void explain(struct asking *a, const struct http_result *r, const char *address, char *why)
{
	const char *wrong = a->listing ? a->listing->why : a->reading.why;
	*why = '\0';
	if (a->status && a->status != 200)
		snprintf(why, 256, "%s: Unexpected response code: %ld (%.*s)", address, a->status,
			VIEW_ARGS(view_trim(text_view(&a->body))));
	else if (r->end == HTTP_GIVEN_UP && a->status)
		snprintf(why, 256, "%s: %s", address, wrong ? wrong : "the answer is not JSON, or too long");
	else if (r->end != HTTP_DONE)
		snprintf(why, 256, "%s: %.200s", address, r->error);
	else if (!is_complete(a))
		snprintf(why, 256, "%s: the answer is cut off", address);
}

/* Whether another address may know better. */
static bool is_away(const struct asking *a)
{
	return a->status == 0 || a->status >= 500;
}

static void add_parameters(const struct nomad_access *access, struct text *path, struct view namespace)
{
	url_add_parameter(path, "namespace", namespace);
	if (access->region.length)
		url_add_parameter(path, "region", access->region);
}

/* --- services --- */

static struct nomad_service *service_new(
	struct view key, const struct nomad_registration *registrations, size_t count)
{
	size_t size = sizeof(struct nomad_service) + count * sizeof *registrations;
	struct nomad_service *service = memory_alloc(size + key.length);
	char *text = (char *)service + size;
	memcpy(text, key.at, key.length);
	*service = (struct nomad_service){ .key = { text, key.length }, .count = (uint32_t)count };
	service->hash = hash_of_key(service->key);
	if (count)
		memcpy(service->registrations, registrations, count * sizeof *registrations);
	return service;
}

static struct nomad_service *service_copy(const struct nomad_service *of)
{
	struct nomad_service *copy = service_new(of->key, of->registrations, of->count);
	copy->skipped = of->skipped;
	copy->fetched_at = of->fetched_at;
	return copy;
}

/* One question for a service; its first member is what nomad_find() waits for. */
struct ask {
	struct errand errand;
	struct nomad_source *source;
	struct view namespace, service, key; /* the key behind this, the others in it */
	struct nomad_service *found;         /* NULL: there is none */
	char error[256];                     /* why that is not known; empty: it is */
};

static void ask_free(void *ask)
{
	struct ask *a = ask;
	free(a->found);
	free(a);
}

static void keep(struct nomad_source *s, const struct ask *a)
{
	uint64_t hash = hash_of_key(a->key);
	void *old;
	if (s->now.services.count >= SERVICES_KEPT)
		trie_discard(&s->now.services, &s->edit);
	if (a->found) {
		old = trie_put(&s->now.services, &services_by_key, &s->edit, hash, &a->key, service_copy(a->found));
		if (!s->now.watched)
			add_name(s, &s->now.names, a->namespace, VIEW(""));
	} else {
		old = trie_remove(&s->now.services, &services_by_key, &s->edit, hash, &a->key);
	}
	trie_edit_discard(&s->edit, old);
	publish(s);
}

/* Asks one address. */
static void fetch_from(struct ask *a, size_t address, bool *away)
{
	struct nomad_source *s = a->source;
	struct asking asking = { 0 };
	struct text path = { 0 };
	uint64_t index = s->now.index;
	nomad_read_begin(&asking.reading);
	text_add_string(&path, "/v1/service/");
	text_add_percent(&path, a->service);
	add_parameters(s->access, &path, a->namespace);
	if (s->access->filter.length)
		url_add_parameter(&path, "filter", s->access->filter);
	struct http_result r = perform(s, &asking, path.at, address, ask_timeout);
	explain(&asking, &r, s->access->addresses[address].text, a->error);
	*away = is_away(&asking);
	if (!a->error[0] && (asking.reading.count || asking.reading.skipped)) {
		a->found = service_new(a->key, asking.reading.registrations, asking.reading.count);
		a->found->skipped = asking.reading.skipped;
		a->found->fetched_at = index;
	}
	nomad_read_end(&asking.reading);
	text_free(&asking.body);
	text_free(&path);
}

static void fetch(struct ask *a)
{
	struct nomad_source *s = a->source;
	size_t address = s->current;
	bool away = true;
	for (size_t tries = 0; away && tries < s->access->address_count; tries++) {
		fetch_from(a, address, &away);
		if (!away)
			s->current = address;
		else
			address = (address + 1) % s->access->address_count;
	}
	if (!a->error[0])
		keep(s, a);
}

static bool is_in_flight(const struct nomad_source *s, struct view key)
{
	for (const struct flight *f = s->flights; f; f = f->next) {
		if (view_equal(f->key, key))
			return true;
	}
	return false;
}

static bool is_fresh(const struct version *v, const struct nomad_service *service)
{
	return service && v->watched && (v->away || service->fetched_at == v->index);
}

/* The task of an ask. What is being fetched for somebody else is waited for. */
static void run_ask(struct plugin *self, void *ask)
{
	struct ask *a = ask;
	struct nomad_source *s = a->source;
	(void)self;
	while (is_in_flight(s, a->key) && fiber_sleep(NS_PER_MS) != WAIT_STOPPED)
		;
	const struct nomad_service *known = find_service(&s->now, a->key);
	if (is_fresh(&s->now, known)) {
		a->found = service_copy(known);
	} else {
		struct flight flight = { s->flights, a->key };
		s->flights = &flight;
		fetch(a);
		struct flight **at = &s->flights;
		while (*at != &flight)
			at = &(*at)->next;
		*at = flight.next;
	}
	errand_done(&a->errand);
}

static struct ask *ask_new(struct nomad_source *s, struct view namespace, struct view service)
{
	size_t length = namespace.length + 1 + service.length;
	struct ask *a = memory_array(1, sizeof *a + length);
	char *text = (char *)(a + 1);
	memcpy(text, namespace.at, namespace.length);
	text[namespace.length] = '/';
	memcpy(text + namespace.length + 1, service.at, service.length);
	a->errand.free = ask_free;
	a->source = s;
	a->key = (struct view){ text, length };
	a->namespace = view_first(a->key, namespace.length);
	a->service = view_skip(a->key, namespace.length + 1);
	return a;
}

/* --- for queries --- */

static struct view key_of(struct query *q, struct view namespace, struct view service)
{
	return view_of(arena_printf(q->arena, "%.*s/%.*s", VIEW_ARGS(namespace), VIEW_ARGS(service)));
}

static enum nomad_outcome outcome_of(const struct nomad_service *service, const struct nomad_service **found)
{
	*found = service;
	return service ? NOMAD_FOUND : NOMAD_NO_SERVICE;
}

enum nomad_outcome nomad_find(struct plugin *self, struct nomad_source *s, struct query *q, struct view namespace,
	struct view service, const struct nomad_service **found, const char **error)
{
	const struct version *v = atomic_load_explicit(&s->version, memory_order_acquire);
	struct view key = key_of(q, namespace, service);
	const struct nomad_service *known = find_service(v, key);
	if (v->watched && !has_name(v, key))
		return NOMAD_NO_SERVICE;
	if (is_fresh(v, known))
		return outcome_of(known, found);
	struct ask *a = ask_new(s, namespace, service);
	if (!errand_run(self, q, &a->errand, run_ask, ask_timeout))
		*error = "no answer from Nomad in time";
	else if (a->error[0])
		*error = a->error;
	else
		return outcome_of(a->found, found);
	return known ? outcome_of(known, found) : NOMAD_AWAY;
}

bool nomad_knows_namespace(const struct nomad_source *s, struct view namespace)
{
	const struct version *v = atomic_load_explicit(&s->version, memory_order_acquire);
	char key[NOMAD_NAME_MAX + 1];
	if (namespace.length > NOMAD_NAME_MAX)
		return false;
	memcpy(key, namespace.at, namespace.length);
	key[namespace.length] = '/';
	return has_name(v, (struct view){ key, namespace.length + 1 });
}

const char *nomad_source_text(const struct nomad_source *s, struct arena *arena)
{
	const struct version *v = atomic_load_explicit(&s->version, memory_order_acquire);
	const char *address = s->access->addresses[0].text;
	if (!v)
		return arena_printf(arena, "%s: not asked yet", address);
	return arena_printf(arena, "%s: %s at index %llu%s", address, v->watched ? "watched" : "not watched",
		(unsigned long long)v->index, v->away ? ", does not answer now" : "");
}

/* --- the watch --- */

/* The names of a listing, in a map of their own until it is whole. */
struct gathering {
	struct nomad_source *source;
	struct trie names;
};

static void on_service(void *owner, struct view namespace, struct view name)
{
	struct gathering *g = owner;
	if (namespace.length > NOMAD_NAME_MAX)
		return;
	add_name(g->source, &g->names, namespace, name);
	add_name(g->source, &g->names, namespace, VIEW(""));
}

enum heard {
	HEARD_INDEX,
	HEARD_NO_INDEX, /* this Nomad, or this token, cannot be waited for: each query asks */
	HEARD_AWAY,     /* what is known counts */
};

static void take_listing(struct nomad_source *s, uint64_t index, const struct trie *names)
{
	trie_discard(&s->now.names, &s->edit);
	s->now.names = *names;
	s->now.index = index;
	s->now.watched = true;
	s->now.away = false;
	publish(s);
}

static void set_state(struct nomad_source *s, bool watched, bool away)
{
	if (s->now.watched == watched && s->now.away == away)
		return;
	s->now.watched = watched;
	s->now.away = away;
	publish(s);
}

static enum heard conclude(struct nomad_source *s, const struct asking *a, bool good, struct gathering *g)
{
	bool changed = a->index != s->now.index || !s->now.watched || s->now.away;
	if (good && a->index && changed) {
		take_listing(s, a->index, &g->names);
		return HEARD_INDEX;
	}
	trie_discard(&g->names, &s->edit);
	if (good && a->index)
		return HEARD_INDEX;
	bool away = !good && is_away(a);
	set_state(s, away && s->now.watched, away);
	return away ? HEARD_AWAY : HEARD_NO_INDEX;
}

/* Asks for the list; for its next version, where one is known. */
static enum heard hear(struct nomad_source *s, char *why)
{
	struct nomad_listing listing;
	struct gathering gathering = { .source = s };
	struct asking asking = { .listing = &listing };
	struct text path = { 0 };
	bool wait = s->now.watched && !s->now.away;
	nomad_list_begin(&listing, on_service, &gathering);
	text_add_string(&path, "/v1/services");
	add_parameters(s->access, &path, VIEW("*"));
	if (wait)
		text_printf(&path, "&index=%llu&wait=%ds", (unsigned long long)s->now.index, WAIT_SECONDS);
	/* Nomad answers up to a sixteenth of the time later than it was told. */
	uint64_t timeout = wait ? (WAIT_SECONDS + WAIT_SECONDS / 8) * NS_PER_S : ask_timeout;
	struct http_result r = perform(s, &asking, path.at, s->current, timeout);
	explain(&asking, &r, s->access->addresses[s->current].text, why);
	enum heard heard = conclude(s, &asking, !*why, &gathering);
	nomad_list_end(&listing);
	text_free(&asking.body);
	text_free(&path);
	return heard;
}

/* Twice as long each time, and of no length that others have. */
static bool pause_between(struct nomad_source *s)
{
	s->pause = !s->pause ? pause_first : 2 * s->pause < pause_most ? 2 * s->pause : pause_most;
	uint32_t half = (uint32_t)(s->pause / 2 / NS_PER_MS);
	return task_sleep(s->self, (half + random_below(half + 1)) * NS_PER_MS);
}

static void follow(struct plugin *self, void *source)
{
	struct nomad_source *s = source;
	char why[256];
	bool said = false, more = true;
	while (more && !atomic_load(&self->block->config->stopping)) {
		switch (hear(s, why)) {
		case HEARD_INDEX:
			if (said)
				plugin_info(self, "Nomad answers again");
			said = false;
			s->pause = 0;
			more = task_sleep(self, between_changes);
			break;
		case HEARD_NO_INDEX:
			more = task_sleep(self, unwatchable_pause);
			break;
		case HEARD_AWAY:
			if (!said)
				plugin_warning(self, "%s", why);
			said = true;
			s->current = (s->current + 1) % s->access->address_count;
			more = pause_between(s);
			break;
		}
	}
}

/* --- life --- */

struct nomad_source *nomad_source_new(struct plugin *self, const struct nomad_access *access)
{
	struct nomad_source *s = memory_array(1, sizeof *s);
	s->self = self;
	s->access = access;
	s->edit.generation = 1;
	publish(s);
	return s;
}

void nomad_source_free(void *source)
{
	struct nomad_source *s = source;
	if (!s)
		return;
	trie_discard(&s->now.services, &s->edit);
	trie_discard(&s->now.names, &s->edit);
	trie_edit_publish(&s->edit);
	free(atomic_load(&s->version));
	http_client_free(s->client);
	free(s);
}

bool nomad_source_start(struct nomad_source *s, struct arena *arena, const char **why)
{
	s->client = http_client_new(loop_current(), arena, why);
	if (!s->client)
		return false;
	task_start(s->self, follow, s);
	return true;
}
