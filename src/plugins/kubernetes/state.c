/*
 * The payload: the owner's identity with its length (4 octets) in front, the items of each kind's list, and at the end how many
 * octets those of each kind have (8 octets a kind). Numbers are little-endian.
 */
#include "plugins/kubernetes/state.h"

#include "plugins/kubernetes/decode.h"
#include "plugins/kubernetes/encode.h"
#include <stdio.h>

enum { NUMBER_OCTETS = 8, TABLE_OCTETS = KUBE_KINDS * NUMBER_OCTETS, IDENTITY_HEAD = 4 };

static const size_t payload_max = (size_t)2 << 30;
static const struct state_kind state_kind = { "kubernetes", 1 };

static struct view number(char room[static NUMBER_OCTETS], uint64_t value, unsigned octets)
{
	for (unsigned i = 0; i < octets; i++)
		room[i] = (char)(value >> 8 * i);
	return (struct view){ room, octets };
}

static uint64_t number_at(const char *at, unsigned octets)
{
	uint64_t value = 0;
	for (unsigned i = 0; i < octets; i++)
		value |= (uint64_t)(uint8_t)at[i] << 8 * i;
	return value;
}

/* --- writing --- */

static void write_octets(void *owner, struct view octets)
{
	state_write_add(owner, octets);
}

bool kube_state_write(const char *path, const struct kube_state_owner *owner, const struct kube_index *x,
	struct state_problem *why)
{
	char room[NUMBER_OCTETS];
	uint64_t lengths[KUBE_KINDS] = { 0 };
	struct state_writer *w = state_write_begin(path, state_kind, why);
	if (!w)
		return false;
	struct view identity = view_of(owner->identity);
	state_write_add(w, number(room, identity.length, IDENTITY_HEAD));
	state_write_add(w, identity);
	for (unsigned kind = 0; kind < KUBE_KINDS; kind++) {
		struct kube_encoder e = { .write = write_octets, .owner = w };
		if (owner->watched & 1u << kind)
			kube_encode_items(&e, kube_index_cluster(x), (enum kube_kind)kind);
		lengths[kind] = e.written;
		kube_encoder_end(&e);
	}
	for (unsigned kind = 0; kind < KUBE_KINDS; kind++)
		state_write_add(w, number(room, lengths[kind], NUMBER_OCTETS));
	return state_write_end(w, why);
}

/* --- reading --- */

struct content {
	struct view items[KUBE_KINDS];
};

/* Takes the payload apart; false: its lengths do not fit. */
static bool open_payload(struct view payload, struct view *identity, struct content *to)
{
	if (payload.length < IDENTITY_HEAD + TABLE_OCTETS)
		return false;
	const char *table = payload.at + payload.length - TABLE_OCTETS;
	struct view rest = view_first(payload, payload.length - TABLE_OCTETS);
	uint64_t length = number_at(rest.at, IDENTITY_HEAD);
	rest = view_skip(rest, IDENTITY_HEAD);
	if (length > rest.length)
		return false;
	*identity = view_first(rest, (size_t)length);
	rest = view_skip(rest, (size_t)length);
	for (unsigned kind = 0; kind < KUBE_KINDS; kind++) {
		length = number_at(table + kind * NUMBER_OCTETS, NUMBER_OCTETS);
		if (length > rest.length)
			return false;
		to->items[kind] = view_first(rest, (size_t)length);
		rest = view_skip(rest, (size_t)length);
	}
	return rest.length == 0;
}

static bool pass_over(void *owner, enum kube_event event, const struct kube_object *o)
{
	return true;
}

static bool put(void *owner, enum kube_event event, const struct kube_object *o)
{
	kube_index_put(owner, o);
	return true;
}

static bool no_status(void *owner, const struct kube_status *s)
{
	return false;
}

static bool read_items(enum kube_kind kind, struct view items, const struct kube_reader *reader)
{
	char room[KUBE_LIST_HEAD_MAX];
	struct kube_decoder *d = kube_decoder_new(KUBE_PROTOBUF, kind, false, reader);
	bool good = kube_decoder_feed(d, kube_list_head(room, items.length)) && kube_decoder_feed(d, items) &&
		    kube_decoder_complete(d);
	kube_decoder_free(d);
	return good;
}

static bool read_all(const struct kube_state_owner *owner, const struct content *c, const struct kube_reader *reader)
{
	for (unsigned kind = 0; kind < KUBE_KINDS; kind++) {
		if (owner->watched & 1u << kind && !read_items((enum kube_kind)kind, c->items[kind], reader))
			return false;
	}
	return true;
}

bool kube_state_take(struct view payload, const struct kube_state_owner *owner, struct kube_index *x, const char **why)
{
	struct view identity;
	struct content content;
	struct kube_reader check = { pass_over, no_status, NULL }, take = { put, no_status, x };
	if (!open_payload(payload, &identity, &content)) {
		*why = "it is damaged";
		return false;
	}
	if (!view_is(identity, owner->identity)) {
		*why = "it is of another cluster, or of other options";
		return false;
	}
	if (!read_all(owner, &content, &check)) {
		*why = "it is damaged";
		return false;
	}
	for (unsigned kind = 0; kind < KUBE_KINDS; kind++) {
		if (owner->watched & 1u << kind)
			kube_index_list_begin(x, (enum kube_kind)kind);
	}
	read_all(owner, &content, &take);
	for (unsigned kind = 0; kind < KUBE_KINDS; kind++) {
		if (owner->watched & 1u << kind)
			kube_index_list_end(x, (enum kube_kind)kind);
	}
	return true;
}

enum state_outcome kube_state_read(const char *path, const struct kube_state_owner *owner, struct kube_index *x,
	uint64_t *written, struct state_problem *why)
{
	struct arena *arena = arena_new(4096);
	struct state state;
	const char *reason;
	enum state_outcome outcome = state_read(arena, path, state_kind, payload_max, &state, why);
	if (outcome == STATE_READ && !kube_state_take(state.payload, owner, x, &reason)) {
		snprintf(why->text, sizeof why->text, "%s: %s", path, reason);
		outcome = STATE_REFUSED;
	}
	if (outcome == STATE_READ)
		*written = state.written;
	arena_free(arena);
	return outcome;
}
