/* Any octets as options: stepping ends, and what is added, replaced and removed is what is found
 * afterwards. */
#include "dns/message.h"
#include "fuzz.h"

enum { ARENA_SIZE = 4096 };

static size_t count(const struct edns *e, uint16_t code)
{
	struct view rest = e->options, data;
	uint16_t found;
	size_t n = 0;
	while (edns_option_next(&rest, &found, &data)) {
		MUST(data.at >= e->options.at && data.length <= e->options.length);
		n += found == code;
	}
	return n;
}

/* The well-formed options that the octets begin with. */
static struct view well_formed(struct view octets)
{
	struct view rest = octets, data;
	uint16_t code;
	while (edns_option_next(&rest, &code, &data))
		;
	return view_first(octets, octets.length - rest.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 || size > UINT16_MAX - 64)
		return 0;
	struct arena *arena = arena_new(ARENA_SIZE);
	uint16_t code = (uint16_t)(data[0] * 256 + data[1]);
	struct edns e = { .present = true };
	struct view found;
	e.options = well_formed((struct view){ (const char *)data + 2, size - 2 });
	size_t before = count(&e, code);
	edns_option_add(&e, arena, code, VIEW("added"));
	MUST(count(&e, code) == before + 1);
	edns_option_set(&e, arena, code, VIEW("set"));
	MUST(count(&e, code) == 1 && edns_option_find(&e, code, &found) && view_is(found, "set"));
	edns_option_remove(&e, arena, code);
	MUST(count(&e, code) == 0 && !edns_option_find(&e, code, &found));
	edns_add_extended_error(&e, arena, 1, VIEW("text"));
	MUST(edns_option_find(&e, OPTION_EXTENDED_ERROR, &found));
	arena_free(arena);
	return 0;
}
