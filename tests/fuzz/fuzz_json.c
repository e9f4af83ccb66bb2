/* Any octets as JSON, whole and in pieces: both tell of the same, and nothing is told of what is passed over. */
#include "fuzz.h"

#include "base/hash.h"
#include "sync/json.h"

struct told {
	uint64_t sum;
	size_t events, open;
	bool skips;
};

static bool note(struct json_parser *p, enum json_event e, struct view text)
{
	struct told *t = p->owner;
	t->sum = hash_mix(t->sum, e);
	for (size_t i = 0; i < text.length; i++)
		t->sum = hash_mix(t->sum, (unsigned char)text.at[i]);
	t->events++;
	if (e == JSON_OBJECT || e == JSON_ARRAY)
		t->open++;
	else if (e == JSON_OBJECT_END || e == JSON_ARRAY_END)
		t->open--;
	if (e == JSON_KEY && t->skips && text.length && text.at[0] == 's')
		json_skip(p);
	return true;
}

static struct told feed(const uint8_t *data, size_t size, size_t piece, bool skips, bool *fine)
{
	struct told t = { .skips = skips };
	struct json_parser p;
	struct view rest = { (const char *)data, size };
	json_begin(&p, note, &t);
	*fine = true;
	while (*fine && rest.length) {
		size_t length = piece < rest.length ? piece : rest.length;
		*fine = json_feed(&p, view_first(rest, length));
		rest = view_skip(rest, length);
	}
	MUST(p.depth <= JSON_DEPTH_MAX);
	*fine = *fine && json_complete(&p);
	json_end(&p);
	return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool whole, cut;
	for (int skips = 0; skips <= 1; skips++) {
		struct told a = feed(data, size, size + 1, skips, &whole);
		struct told b = feed(data, size, 1 + size % 7, skips, &cut);
		MUST(whole == cut);
		MUST(!whole || (a.sum == b.sum && a.events == b.events && a.open == 0));
	}
	return 0;
}
