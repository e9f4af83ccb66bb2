/* EDNS options: stepping through them, adding, replacing, removing (RFC 6891 6.1.2, RFC 8914). */
#include "dns/message.h"

enum { OPTION_HEADER = 4 };

static uint16_t u16_at(const char *at)
{
	const unsigned char *octets = (const unsigned char *)at;
	return (uint16_t)(octets[0] * 256 + octets[1]);
}

bool edns_option_next(struct view *rest, uint16_t *code, struct view *data)
{
	if (rest->length < OPTION_HEADER)
		return false;
	size_t length = u16_at(rest->at + 2);
	if (length > rest->length - OPTION_HEADER)
		return false;
	*code = u16_at(rest->at);
	*data = (struct view){ rest->at + OPTION_HEADER, length };
	*rest = view_skip(*rest, OPTION_HEADER + length);
	return true;
}

bool edns_option_find(const struct edns *e, uint16_t code, struct view *data)
{
	struct view rest = e->options;
	uint16_t found;
	while (edns_option_next(&rest, &found, data)) {
		if (found == code)
			return true;
	}
	return false;
}

/* Appends an option to `to`, which has room for it; gives the end. */
static char *put(char *to, uint16_t code, struct view data)
{
	to[0] = (char)(code >> 8);
	to[1] = (char)code;
	to[2] = (char)(data.length >> 8);
	to[3] = (char)data.length;
	if (data.length)
		memcpy(to + OPTION_HEADER, data.at, data.length);
	return to + OPTION_HEADER + data.length;
}

/*
 * Whether the options may become so long: their length has 16 bits. What does not fit is left out.
 */
static bool fits(const struct edns *e, struct view data)
{
	return data.length <= UINT16_MAX &&
	       e->options.length + OPTION_HEADER + data.length <= UINT16_MAX;
}

void edns_option_add(struct edns *e, struct arena *arena, uint16_t code, struct view data)
{
	if (!fits(e, data))
		return;
	size_t length = e->options.length + OPTION_HEADER + data.length;
	char *options = arena_octets(arena, length);
	if (e->options.length)
		memcpy(options, e->options.at, e->options.length);
	put(options + e->options.length, code, data);
	e->options = (struct view){ options, length };
}

void edns_option_set(struct edns *e, struct arena *arena, uint16_t code, struct view data)
{
	struct view rest = e->options, old;
	uint16_t found;
	if (!edns_option_find(e, code, &old)) {
		edns_option_add(e, arena, code, data);
		return;
	}
	if (!fits(e, data))
		return;
	char *options = arena_octets(arena, e->options.length + OPTION_HEADER + data.length),
	     *end = options;
	bool placed = false;
	while (edns_option_next(&rest, &found, &old)) {
		if (found == code && !placed)
			end = put(end, code, data);
		else if (found != code)
			end = put(end, found, old);
		placed = placed || found == code;
	}
	e->options = (struct view){ options, (size_t)(end - options) };
}

void edns_option_remove(struct edns *e, struct arena *arena, uint16_t code)
{
	struct view rest = e->options, data;
	uint16_t found;
	if (!edns_option_find(e, code, &data))
		return;
	char *options = arena_octets(arena, e->options.length), *end = options;
	while (edns_option_next(&rest, &found, &data)) {
		if (found != code)
			end = put(end, found, data);
	}
	e->options = (struct view){ options, (size_t)(end - options) };
}

void edns_add_extended_error(
	struct edns *e, struct arena *arena, uint16_t info_code, struct view text)
{
	char *data = arena_octets(arena, 2 + text.length);
	data[0] = (char)(info_code >> 8);
	data[1] = (char)info_code;
	if (text.length)
		memcpy(data + 2, text.at, text.length);
	edns_option_add(e, arena, OPTION_EXTENDED_ERROR, (struct view){ data, 2 + text.length });
}
