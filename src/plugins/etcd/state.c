/*
 * The payload is a message of protocol buffers: the identity (1), and the records (2), each a message of its own. Numbers that may be
 * negative are in two's complement, as int64 has them.
 */
#include "plugins/etcd/state.h"

#include "base/memory.h"
#include "base/protobuf.h"
#include "plugins/etcd/source.h"
#include <stdio.h>
#include <stdlib.h>

enum {
	STATE_IDENTITY = 1,
	STATE_RECORD = 2,
	RECORD_NUMBERS_MAX = 128, /* octets of what is not text */
	HEAD_MAX = 16,
};

enum record_field {
	RECORD_KEY = 1,
	RECORD_HOST,
	RECORD_TEXT,
	RECORD_GROUP,
	RECORD_MODIFIED,
	RECORD_LEASE,
	RECORD_WEIGHT,
	RECORD_PORT,
	RECORD_STRIP,
	RECORD_TTL,
	RECORD_PRIORITY,
	RECORD_MAIL,
	RECORD_BROKEN,
	RECORD_FIELDS,
};

static const size_t payload_max = (size_t)4 << 30;
static const struct state_kind state_kind = { "etcd", 1 };

/* --- writing --- */

static void write_record(struct protobuf_writer *w, const struct service *s)
{
	protobuf_write_octets(w, RECORD_KEY, service_key(s));
	protobuf_write_octets(w, RECORD_HOST, service_host(s));
	protobuf_write_octets(w, RECORD_TEXT, service_text(s));
	protobuf_write_octets(w, RECORD_GROUP, service_group(s));
	protobuf_write_number(w, RECORD_MODIFIED, (uint64_t)s->modified);
	protobuf_write_number(w, RECORD_LEASE, s->lease ? (uint64_t)s->lease->id : 0);
	protobuf_write_number(w, RECORD_WEIGHT, (uint64_t)s->weight);
	protobuf_write_number(w, RECORD_PORT, (uint64_t)(int64_t)s->port);
	protobuf_write_number(w, RECORD_STRIP, (uint64_t)(int64_t)s->strip);
	protobuf_write_number(w, RECORD_TTL, s->ttl);
	protobuf_write_number(w, RECORD_PRIORITY, s->priority);
	protobuf_write_number(w, RECORD_MAIL, s->mail);
	protobuf_write_number(w, RECORD_BROKEN, s->broken);
}

static void add_field(struct state_writer *to, uint32_t number, struct view octets)
{
	uint8_t room[HEAD_MAX];
	struct protobuf_writer head = { .to = room, .room = sizeof room };
	protobuf_write_head(&head, number, octets.length);
	state_write_add(to, (struct view){ (const char *)room, head.length });
	state_write_add(to, octets);
}

static void add_record(struct state_writer *to, const struct service *s)
{
	size_t room = s->key_length + (size_t)s->host_length + s->text_length + s->group_length + RECORD_NUMBERS_MAX;
	struct protobuf_writer w = { .to = memory_alloc(room), .room = room };
	write_record(&w, s);
	add_field(to, STATE_RECORD, (struct view){ (const char *)w.to, w.length });
	free(w.to);
}

bool etcd_state_write(
	const char *path, const char *identity, const struct sorted *services, struct state_problem *why)
{
	struct state_writer *w = state_write_begin(path, state_kind, why);
	if (!w)
		return false;
	add_field(w, STATE_IDENTITY, view_of(identity));
	const struct service *s = sorted_first(services, service_key_of, VIEW(""));
	for (; s; s = sorted_next(services, service_key(s)))
		add_record(w, s);
	return state_write_end(w, why);
}

/* --- reading --- */

/* NULL if it is none that was ever written. */
static struct service *read_record(struct view message, int64_t *lease)
{
	struct protobuf_reader r = protobuf_reader(message);
	struct protobuf_field f;
	struct view octets[RECORD_MODIFIED] = { 0 };
	uint64_t number[RECORD_FIELDS] = { 0 };
	while (protobuf_next(&r, &f)) {
		if (f.type == PROTOBUF_OCTETS && f.number < RECORD_MODIFIED)
			octets[f.number] = f.octets;
		else if (f.type == PROTOBUF_VARINT && f.number < RECORD_FIELDS)
			number[f.number] = f.value;
	}
	struct view key = octets[RECORD_KEY];
	if (r.failed || !key.length || key.length > SERVICE_KEY_MAX)
		return NULL;
	for (unsigned i = RECORD_HOST; i <= RECORD_GROUP; i++) {
		if (!octets[i].length)
			octets[i] = VIEW("");
		if (octets[i].length > SERVICE_VALUE_MAX)
			return NULL;
	}
	struct service *s = service_new(key, octets[RECORD_HOST], octets[RECORD_TEXT], octets[RECORD_GROUP]);
	int64_t port = (int64_t)number[RECORD_PORT];
	s->modified = (int64_t)number[RECORD_MODIFIED];
	s->weight = (int64_t)number[RECORD_WEIGHT];
	s->port = port == -1 ? -1 : (uint16_t)port;
	s->strip = service_strip((int64_t)number[RECORD_STRIP]);
	s->ttl = (uint32_t)number[RECORD_TTL];
	s->priority = (uint16_t)number[RECORD_PRIORITY];
	s->mail = number[RECORD_MAIL] != 0;
	s->broken = number[RECORD_BROKEN] != 0;
	*lease = (int64_t)number[RECORD_LEASE];
	return s;
}

static void pass_over(void *owner, struct service *service, int64_t lease)
{
	(void)owner;
	(void)lease;
	free(service);
}

static bool read_records(struct view payload, etcd_state_taker *take, void *owner)
{
	struct protobuf_reader r = protobuf_reader(payload);
	struct protobuf_field f;
	int64_t lease;
	while (protobuf_next(&r, &f)) {
		if (!protobuf_is_octets(&f, STATE_RECORD))
			continue;
		struct service *s = read_record(f.octets, &lease);
		if (!s)
			return false;
		take(owner, s, lease);
	}
	return !r.failed;
}

bool etcd_state_take(
	struct view payload, const char *identity, etcd_state_taker *take, void *owner, const char **why)
{
	struct protobuf_reader r = protobuf_reader(payload);
	struct protobuf_field f;
	if (!protobuf_next(&r, &f) || !protobuf_is_octets(&f, STATE_IDENTITY) || !read_records(payload, pass_over, NULL)) {
		*why = "it is damaged";
		return false;
	}
	if (!view_is(f.octets, identity)) {
		*why = "it is of other endpoints, another user or path";
		return false;
	}
	return read_records(payload, take, owner);
}

enum state_outcome etcd_state_read(
	const char *path, const char *identity, etcd_state_taker *take, void *owner, struct state_problem *why)
{
	struct arena *arena = arena_new(4096);
	struct state state;
	const char *reason = "it is damaged";
	enum state_outcome outcome = state_read(arena, path, state_kind, payload_max, &state, why);
	if (outcome == STATE_READ && !etcd_state_take(state.payload, identity, take, owner, &reason)) {
		snprintf(why->text, sizeof why->text, "%s: %s", path, reason);
		outcome = STATE_REFUSED;
	}
	arena_free(arena);
	return outcome;
}
