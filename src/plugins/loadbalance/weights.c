/* Reading weight files: a line with a name, then lines with an address of it and its weight. */
#include "plugins/loadbalance/weights.h"

#include "net/endpoint.h"

enum { ARENA_SIZE = 4096, WEIGHT_MAX = 255, KEY_MAX = NAME_OCTETS_MAX + 16, FIELDS_MAX = 3 };

/* What a reader has in hand. */
struct reader {
	struct weights *weights;
	const char *path;
	struct name_buffer owner;
	bool has_owner;
	struct arena *arena; /* for the message */
	const char *why;
};

static bool fail(struct reader *r, const char *what, struct view text)
{
	r->why = arena_printf(
		r->arena, "%s:\"%.*s\" in weight file %s", what, VIEW_ARGS(text), r->path);
	return false;
}

/* The owner in lower case, then the address. */
static struct view key_of(struct name owner, struct view address, char room[static KEY_MAX])
{
	struct name_buffer lower;
	struct name n = name_lower(owner, &lower);
	memcpy(room, n.octets, n.length);
	memcpy(room + n.length, address.at, address.length);
	return (struct view){ room, n.length + address.length };
}

static bool read_owner(struct reader *r, struct view word)
{
	struct endpoint e;
	if (!endpoint_parse_ip(word, 0, &e) && name_parse(word, name_root, &r->owner)) {
		r->has_owner = true;
		return true;
	}
	r->why = arena_printf(r->arena,
		"wrong domain name:\"%.*s\" in weight file %s. (Maybe a missing weight value?)",
		VIEW_ARGS(word), r->path);
	return false;
}

static bool read_weight(struct reader *r, struct view address, struct view weight)
{
	struct weights *w = r->weights;
	struct endpoint e;
	uint64_t value;
	char room[KEY_MAX];
	if (!endpoint_parse_ip(address, 0, &e))
		return fail(r, "wrong IP address", address);
	if (!view_unsigned(weight, WEIGHT_MAX, &value) || value == 0)
		return fail(r, "wrong weight value", weight);
	if (!r->has_owner) {
		r->why = arena_printf(r->arena, "missing domain name in weight file %s", r->path);
		return false;
	}
	struct view key = key_of(name_of(&r->owner), endpoint_address(&e), room);
	void **place = map_put(&w->by_address, w->arena, arena_copy(w->arena, key));
	uint8_t *kept = arena_octets(w->arena, 1);
	*kept = (uint8_t)value;
	*place = kept;
	return true;
}

static bool read_line(struct reader *r, struct view line)
{
	struct view rest = view_trim(line), fields[FIELDS_MAX];
	size_t count = 0;
	if (!rest.length || rest.at[0] == '#')
		return true;
	while (count < FIELDS_MAX && (fields[count] = view_word(&rest)).length)
		count++;
	if (count == 1)
		return read_owner(r, fields[0]);
	if (count == 2)
		return read_weight(r, fields[0], fields[1]);
	return fail(r, "could not parse weight line", view_trim(line));
}

struct weights *weights_read(
	struct view text, const char *path, struct arena *arena, const char **why)
{
	struct arena *own = arena_new(ARENA_SIZE);
	struct weights *w = arena_new_object(own, struct weights);
	struct reader r = { .weights = w, .path = path, .arena = arena };
	struct view line;
	w->arena = own;
	while (view_line(&text, &line)) {
		if (!read_line(&r, line)) {
			*why = r.why;
			arena_free(own);
			return NULL;
		}
	}
	return w;
}

void weights_free(void *weights)
{
	struct weights *w = weights;
	if (w)
		arena_free(w->arena);
}

unsigned weights_of(const struct weights *w, const struct record *r)
{
	char room[KEY_MAX];
	struct view address = { (const char *)r->rdata, r->rdata_length };
	void **place = map_find(&w->by_address, key_of(r->owner, address, room));
	return place ? *(const uint8_t *)*place : 1;
}
