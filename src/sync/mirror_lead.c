/*
 * One server lists for all (option `lead`). Servers with the same provider, identity and zones share a prefix in etcd. Below it
 *
 *     leader                    belongs to the server that lists, by a lease
 *     head/ORIGIN/ID            which version of a zone is there: VERSION PIECES OCTETS LENGTH SEEN
 *     data/ORIGIN/ID/VERSION/N  its pieces: the payload of a state file, compressed
 *
 * Pieces are written before the head that names them, and deleted when another one does. All others watch the heads. While etcd is away
 * every server keeps what it has; only one that has nothing lists for itself.
 */
#include "sync/mirror_parts.h"

#include "base/encoding.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/sha512.h"
#include "server/block.h"
#include "sync/deflate.h"
#include "sync/etcd_client.h"
#include <stdio.h>
#include <stdlib.h>

enum {
	LEASE_S = 10,
	PIECE_OCTETS = 1 << 20, /* etcd takes requests of 1.5 MiB */
	PIECES_MOST = 4096,
	NAME_OCTETS = 16,       /* of the prefix' digest */
};

static const size_t length_most = (size_t)4 << 30;
static const uint64_t call_timeout = 3 * NS_PER_S;
static const uint64_t elect_interval = 2 * NS_PER_S;
static const uint64_t load_interval = 100 * NS_PER_MS;
static const uint64_t retry_interval = NS_PER_S;

struct mirror_lead {
	struct mirror *mirror;
	char *prefix;
	struct etcd_client *calls;   /* elections and writing: ends its calls by itself, so that a lease can be given back */
	struct etcd_client *watches; /* gives up when the server stops */
	int64_t lease;               /* 0: none */
	uint64_t kept_at;            /* when the lease was last begun anew */
	bool leads;
	bool away;                   /* etcd did not answer the last time */
	bool resigned;               /* for good: the server ends */
};

static bool is_stopping(const struct mirror_lead *l)
{
	return atomic_load(&l->mirror->settings.self->block->config->stopping);
}

static bool is_leading(const struct mirror_lead *l)
{
	return l->leads && clock_now() - l->kept_at < LEASE_S * NS_PER_S;
}

bool mirror_lead_may_list(const struct mirror_zone *z)
{
	const struct mirror_lead *l = z->mirror->lead;
	return !l || is_leading(l) || (l->away && !z->copy);
}

/* Remembers whether etcd answers, and says so when that changes. */
static bool note(struct mirror_lead *l, const struct etcd_result *r)
{
	struct plugin *self = l->mirror->settings.self;
	bool away = r->end == ETCD_AWAY || r->end == ETCD_REFUSED;
	if (away && !l->away)
		plugin_error(self, "lead: %s", r->error);
	if (!away && l->away && r->end == ETCD_DONE)
		plugin_info(self, "lead: etcd answers again");
	if (r->end != ETCD_STOPPED)
		l->away = away;
	return r->end == ETCD_DONE;
}

/* --- keys --- */

static void add_zone(struct text *key, const struct mirror_zone *z)
{
	text_add_percent(key, view_of(z->origin_text));
	text_add_char(key, '/');
	text_add_percent(key, view_of(z->id));
}

static struct view head_key(const struct mirror_zone *z)
{
	struct text key = { 0 };
	text_printf(&key, "%shead/", z->mirror->lead->prefix);
	add_zone(&key, z);
	struct view kept = arena_copy(z->mirror->arena, text_view(&key));
	text_free(&key);
	return kept;
}

static void pieces_prefix(const struct mirror_zone *z, const char *version, struct text *key)
{
	text_printf(key, "%sdata/", z->mirror->lead->prefix);
	add_zone(key, z);
	text_printf(key, "/%s/", version);
}

/* The same for all servers that have the same to list. */
static char *prefix_of(const struct mirror *m)
{
	uint8_t digest[SHA512_OCTETS];
	struct sha512 s;
	struct text t = { 0 };
	sha512_begin(&s);
	sha512_add(&s, m->settings.identity, strlen(m->settings.identity) + 1);
	for (const struct mirror_zone *z = m->newest; z; z = z->older) {
		sha512_add(&s, z->origin_text, strlen(z->origin_text) + 1);
		sha512_add(&s, z->id, strlen(z->id) + 1);
	}
	sha512_end(&s, digest);
	text_printf(&t, "/isthmus/lead/%s/", m->settings.provider->name);
	text_add_hex(&t, (struct view){ (const char *)digest, NAME_OCTETS });
	text_add_char(&t, '/');
	return t.at;
}

/* --- heads --- */

static bool head_parse(struct view text, struct mirror_head *h)
{
	struct view version = view_word(&text), words[4];
	for (int i = 0; i < 4; i++)
		words[i] = view_word(&text);
	if (!version.length || version.length >= MIRROR_VERSION_MAX)
		return false;
	*h = (struct mirror_head){ 0 };
	memcpy(h->version, version.at, version.length);
	return view_unsigned(words[0], PIECES_MOST, &h->count) &&
	       view_unsigned(words[1], (uint64_t)PIECES_MOST * PIECE_OCTETS, &h->octets) &&
	       view_unsigned(words[2], length_most, &h->length) &&
	       view_unsigned(words[3], INT64_MAX, &h->seen);
}

static uint64_t age_of(const struct mirror_head *h)
{
	int64_t age = clock_wall_seconds() - (int64_t)h->seen;
	return age > 0 ? (uint64_t)age * NS_PER_S : 0;
}

static struct mirror_zone *zone_of_key(const struct mirror_lead *l, struct view key)
{
	struct mirror_zone *z = l->mirror->newest;
	while (z && !view_equal(z->share.key, key))
		z = z->older;
	return z;
}

static void take_head(struct mirror_lead *l, const struct etcd_pair *pair)
{
	struct mirror_zone *z = zone_of_key(l, pair->key);
	struct mirror_head head;
	if (!z || !head_parse(pair->value, &head))
		return;
	z->share.there = head;
	z->share.news = true;
}

/* --- following --- */

static bool on_head(void *owner, const struct etcd_pair *pair)
{
	take_head(owner, pair);
	return true;
}

static void on_change(void *owner, const struct etcd_pair *pair, bool deleted)
{
	if (!deleted)
		take_head(owner, pair);
}

/* Reads the heads that there are, and those that come, until the stream ends. */
static void follow_once(struct mirror_lead *l)
{
	struct arena *arena = arena_new(1024);
	struct view key = view_of(arena_printf(arena, "%shead/", l->prefix));
	struct view end = etcd_prefix_end(arena, key);
	int64_t revision = 0;
	struct etcd_result r = etcd_range(l->watches, key, end, on_head, l, &revision);
	if (note(l, &r)) {
		struct etcd_watch w = { .key = key, .end = end, .from = revision + 1, .changed = on_change, .owner = l };
		r = etcd_watch(l->watches, &w);
		note(l, &r);
	}
	arena_free(arena);
}

static void follow(struct plugin *self, void *data)
{
	do
		follow_once(data);
	while (task_sleep(self, retry_interval));
}

struct pieces {
	struct text all;
	uint64_t count, octets;
};

static bool on_piece(void *owner, const struct etcd_pair *pair)
{
	struct pieces *p = owner;
	p->count++;
	if (p->all.length + pair->value.length > p->octets)
		return false;
	text_add(&p->all, pair->value);
	return true;
}

static bool fetch(struct mirror_zone *z, const struct mirror_head *head, struct text *payload, struct arena *arena,
	const char **why)
{
	struct mirror_lead *l = z->mirror->lead;
	struct pieces pieces = { .octets = head->octets };
	struct text key = { 0 };
	pieces_prefix(z, head->version, &key);
	struct etcd_result r = etcd_range(l->watches, text_view(&key),
		etcd_prefix_end(arena, text_view(&key)), on_piece, &pieces, NULL);
	text_free(&key);
	bool whole = r.end == ETCD_DONE && pieces.count == head->count && pieces.all.length == head->octets;
	*why = r.end == ETCD_DONE ? "its pieces are not all there" : arena_string(arena, view_of(r.error));
	bool good = whole && inflate_add(arena, text_view(&pieces.all), head->length, payload, why);
	text_free(&pieces.all);
	return good;
}

/* Gets the version that a head names. What cannot be had stays as it is until the next head comes. */
static void load(struct mirror_zone *z)
{
	struct arena *arena = arena_new(4096);
	struct mirror_head head = z->share.there;
	struct text payload = { 0 };
	const char *why = "";
	struct mirror_copy *copy = NULL;
	if (fetch(z, &head, &payload, arena, &why))
		copy = mirror_decode(z, text_view(&payload), &why);
	text_free(&payload);
	if (copy) {
		memcpy(z->share.version, head.version, sizeof head.version);
		mirror_take_copy(z, copy, age_of(&head));
	} else if (!is_stopping(z->mirror->lead)) {
		plugin_error(z->mirror->settings.self, "lead: zone %s of %s: version %s: %s", z->origin_text, z->id,
			head.version, why);
	}
	arena_free(arena);
}

/* What the leader has said of a zone. A leader believes itself, unless it has nothing. */
static void look_at(struct mirror_zone *z)
{
	const struct mirror_head *head = &z->share.there;
	z->share.news = false;
	if (z->copy && strcmp(head->version, z->share.version) == 0) {
		uint64_t now = clock_now(), age = age_of(head);
		if (!is_leading(z->mirror->lead))
			atomic_store(&z->listed, now > age ? now - age : 1);
	} else if (!z->busy && !(z->copy && is_leading(z->mirror->lead))) {
		z->busy = true;
		load(z);
		z->busy = false;
	}
}

static void load_all(struct plugin *self, void *data)
{
	const struct mirror_lead *l = data;
	do {
		for (struct mirror_zone *z = l->mirror->newest; z && !is_stopping(l); z = z->older) {
			if (z->share.news)
				look_at(z);
		}
	} while (task_sleep(self, load_interval));
}

/* --- being elected --- */

static void set_leading(struct mirror_lead *l, bool leads)
{
	if (leads != l->leads)
		plugin_info(l->mirror->settings.self, leads ? "lead: lists zones for all servers" : "lead: lists zones no longer");
	l->leads = leads;
}

static bool keep_lease(struct mirror_lead *l)
{
	int64_t left = 0;
	uint64_t asked = clock_now();
	struct etcd_result r = l->lease ? etcd_lease_keep(l->calls, l->lease, &left)
					: etcd_lease_grant(l->calls, LEASE_S, &l->lease);
	if (!note(l, &r))
		return false;
	if (left <= 0 && l->leads) {
		set_leading(l, false);
		l->lease = 0;
		return false;
	}
	l->kept_at = asked;
	return true;
}

static void stand_for_election(struct mirror_lead *l)
{
	bool created = false;
	char key[256];
	snprintf(key, sizeof key, "%sleader", l->prefix);
	if (!keep_lease(l)) {
		if (!is_leading(l))
			set_leading(l, false);
		if (!l->away)
			l->lease = 0;
		return;
	}
	if (l->leads || l->resigned)
		return;
	struct etcd_result r = etcd_create(l->calls, view_of(key), VIEW("isthmus"), l->lease, &created);
	if (note(l, &r) && created)
		set_leading(l, true);
	else if (r.end == ETCD_REFUSED)
		l->lease = 0;
}

/* Another server may lead at once. */
void mirror_lead_resign(struct mirror_lead *l)
{
	int64_t lease = l->lease;
	l->resigned = true;
	l->leads = false;
	l->lease = 0;
	if (lease)
		etcd_lease_revoke(l->calls, lease);
}

static void elect(struct plugin *self, void *data)
{
	struct mirror_lead *l = data;
	do
		stand_for_election(l);
	while (task_sleep(self, elect_interval) && !l->resigned);
	mirror_lead_resign(l);
}

/* --- leading --- */

static bool put_head(struct mirror_zone *z, const struct mirror_head *h)
{
	struct text value = { 0 };
	text_printf(&value, "%s %llu %llu %llu %llu", h->version, (unsigned long long)h->count,
		(unsigned long long)h->octets, (unsigned long long)h->length, (unsigned long long)h->seen);
	struct etcd_result r = etcd_put(z->mirror->lead->calls, z->share.key, text_view(&value), 0);
	text_free(&value);
	return note(z->mirror->lead, &r);
}

static void piece_key(const struct mirror_zone *z, const char *version, uint64_t number, struct text *key)
{
	text_clear(key);
	pieces_prefix(z, version, key);
	text_printf(key, "%06llu", (unsigned long long)number);
}

static bool put_pieces(struct mirror_zone *z, const struct mirror_head *h, struct view packed)
{
	struct mirror_lead *l = z->mirror->lead;
	struct text key = { 0 };
	bool good = true;
	for (uint64_t i = 0; i < h->count && good; i++) {
		size_t length = packed.length < PIECE_OCTETS ? packed.length : PIECE_OCTETS;
		piece_key(z, h->version, i, &key);
		struct etcd_result r = etcd_put(l->calls, text_view(&key), view_first(packed, length), 0);
		good = note(l, &r);
		packed = view_skip(packed, length);
	}
	text_free(&key);
	return good;
}

static void delete_pieces(struct mirror_zone *z, const struct mirror_head *h)
{
	struct text key = { 0 };
	for (uint64_t i = 0; *h->version && i < h->count; i++) {
		piece_key(z, h->version, i, &key);
		etcd_delete(z->mirror->lead->calls, text_view(&key));
	}
	text_free(&key);
}

/* The copy, compressed, and the head that describes it. */
static bool pack(struct mirror_zone *z, struct text *packed, struct mirror_head *h)
{
	struct arena *arena = arena_new(1024);
	struct text payload = { 0 };
	const char *why = "it is too large";
	mirror_encode(z, &payload);
	bool good = payload.length <= length_most && deflate_add(arena, text_view(&payload), packed, &why);
	h->length = payload.length;
	h->octets = packed->length;
	h->count = (packed->length + PIECE_OCTETS - 1) / PIECE_OCTETS;
	snprintf(h->version, sizeof h->version, "%016llx", (unsigned long long)random_u64());
	good = good && h->count <= PIECES_MOST;
	if (!good)
		plugin_error(z->mirror->settings.self, "lead: zone %s of %s: %s", z->origin_text, z->id, why);
	text_free(&payload);
	arena_free(arena);
	return good;
}

static bool share_copy(struct mirror_zone *z, struct mirror_head *h)
{
	struct text packed = { 0 };
	struct mirror_head old = z->share.there;
	bool good = pack(z, &packed, h) && put_pieces(z, h, text_view(&packed)) && put_head(z, h);
	text_free(&packed);
	if (!good)
		return false;
	memcpy(z->share.version, h->version, sizeof h->version);
	z->share.there = *h;
	if (strcmp(old.version, h->version) != 0)
		delete_pieces(z, &old);
	return true;
}

void mirror_lead_share(struct mirror_zone *z)
{
	struct mirror_head h = z->share.there;
	bool is_there = *z->share.version && strcmp(z->share.version, h.version) == 0;
	if (!is_leading(z->mirror->lead))
		return;
	h.seen = (uint64_t)clock_wall_seconds();
	if (is_there)
		put_head(z, &h);
	else
		share_copy(z, &h);
}

/* --- life --- */

bool mirror_lead_start(struct mirror *m, struct arena *arena, const char **why)
{
	struct mirror_lead *l = memory_array(1, sizeof *l);
	struct etcd_settings settings = { .endpoints = m->settings.lead,
		.endpoint_count = m->settings.lead_count,
		.timeout = call_timeout };
	m->lead = l;
	l->mirror = m;
	l->prefix = prefix_of(m);
	for (struct mirror_zone *z = m->newest; z; z = z->older)
		z->share.key = head_key(z);
	struct etcd_settings *kept = arena_array(m->arena, 2, sizeof *kept);
	kept[0] = kept[1] = settings;
	kept[1].stop = &m->settings.self->block->config->stopping;
	l->calls = etcd_client_new(loop_current(), arena, &kept[0], why);
	l->watches = l->calls ? etcd_client_new(loop_current(), arena, &kept[1], why) : NULL;
	if (!l->watches)
		return false;
	task_start(m->settings.self, elect, l);
	task_start(m->settings.self, follow, l);
	task_start(m->settings.self, load_all, l);
	return true;
}

void mirror_lead_free(struct mirror_lead *l)
{
	if (!l)
		return;
	etcd_client_free(l->calls);
	etcd_client_free(l->watches);
	free(l->prefix);
	free(l);
}
