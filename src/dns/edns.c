/* EDNS options: stepping through them, adding, replacing, removing (RFC 6891 6.1.2, RFC 8914). */
#include "dns/message.h"
#include "dns/writer.h"

enum { OPTION_HEADER = 4 };

/*@ requires \valid_read(at + (0 .. 1));
    terminates \true;
    assigns \nothing;
*/
static uint16_t u16_at(const char *at)
{
	unsigned high = (256 + at[0]) % 256, low = (256 + at[1]) % 256; /* whatever sign char has */
	return (uint16_t)(high * 256 + low);
}

bool edns_option_next(struct view *rest, uint16_t *code, struct view *data)
{
	const char *at = rest->at;
	if (rest->length < OPTION_HEADER)
		return false;
	size_t length = u16_at(at + 2), whole = OPTION_HEADER + length;
	if (whole > rest->length)
		return false;
	*code = u16_at(at);
	data->at = at + OPTION_HEADER;
	data->length = length;
	rest->at = at + whole;
	rest->length = rest->length - whole;
	return true;
}

bool edns_option_find(const struct edns *e, uint16_t code, struct view *data)
{
	struct view rest = { .at = e->options.at, .length = e->options.length };
	uint16_t found;
	/*@ loop invariant \valid_read(rest.at + (0 .. rest.length - 1));
	    loop assigns rest, found, data->at, data->length;
	    loop variant rest.length;
	*/
	while (edns_option_next(&rest, &found, data)) {
		if (found == code)
			return true;
	}
	return false;
}

/* Family, source and scope prefix lengths, and an address (RFC 7871 6). Family 0 says that no address is to be used. */
/*@ requires \valid_read(data.at + (0 .. data.length - 1));
    terminates \true;
    assigns \nothing;
*/
static bool subnet_well_formed(struct view data)
{
	enum { FAMILY_IPV4 = 1, FAMILY_IPV6 = 2, SUBNET_FIXED = 4 };
	if (data.length < SUBNET_FIXED)
		return false;
	unsigned family = u16_at(data.at), source = (unsigned char)data.at[2],
		 scope = (unsigned char)data.at[3];
	if (family == 0)
		return source == 0;
	unsigned longest = family == FAMILY_IPV4 ? 32 : family == FAMILY_IPV6 ? 128 : 0;
	return source <= longest && scope <= longest && longest > 0;
}

bool edns_options_well_formed(const struct edns *e)
{
	struct view rest = { .at = e->options.at, .length = e->options.length }, data;
	uint16_t code;
	bool good = true;
	/*@ loop invariant \valid_read(rest.at + (0 .. rest.length - 1));
	    loop assigns rest, code, data, good;
	    loop variant rest.length;
	*/
	while (good && edns_option_next(&rest, &code, &data)) {
		switch (code) {
		case OPTION_SUBNET:
			good = subnet_well_formed(data);
			break;
		case OPTION_EXPIRE:
			good = data.length == 0 || data.length >= 4;
			break;
		case OPTION_TCP_KEEPALIVE:
			good = data.length == 0 || data.length == 2;
			break;
		case OPTION_EXTENDED_ERROR:
		case OPTION_ZONE_VERSION:
			good = data.length >= 2;
			break;
		default:
			break;
		}
	}
	return good;
}

/* Whether the options may become so long: their length has 16 bits. What does not fit is left out.
 */
static bool fits(const struct edns *e, struct view data)
{
	return data.length <= UINT16_MAX &&
	       e->options.length + OPTION_HEADER + data.length <= UINT16_MAX;
}

/* Room for the options there are, and one more with `data`. */
static struct writer options_writer(const struct edns *e, struct arena *arena, struct view data)
{
	size_t room = e->options.length + OPTION_HEADER + data.length;
	return writer_to(arena_octets(arena, room), room);
}

static void write_option(struct writer *w, uint16_t code, struct view data)
{
	write_u16(w, code);
	write_u16(w, (uint16_t)data.length);
	write_octets(w, (const uint8_t *)data.at, data.length);
}

static struct view written(const struct writer *w)
{
	return (struct view){ (const char *)w->base, w->at };
}

void edns_option_add(struct edns *e, struct arena *arena, uint16_t code, struct view data)
{
	if (!fits(e, data))
		return;
	struct writer w = options_writer(e, arena, data);
	write_octets(&w, (const uint8_t *)e->options.at, e->options.length);
	write_option(&w, code, data);
	e->options = written(&w);
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
	struct writer w = options_writer(e, arena, data);
	bool placed = false;
	while (edns_option_next(&rest, &found, &old)) {
		if (found != code)
			write_option(&w, found, old);
		else if (!placed)
			write_option(&w, code, data);
		placed = placed || found == code;
	}
	e->options = written(&w);
}

void edns_option_remove(struct edns *e, struct arena *arena, uint16_t code)
{
	struct view rest = e->options, data;
	uint16_t found;
	if (!edns_option_find(e, code, &data))
		return;
	struct writer w = options_writer(e, arena, VIEW(""));
	while (edns_option_next(&rest, &found, &data)) {
		if (found != code)
			write_option(&w, found, data);
	}
	e->options = written(&w);
}

void edns_add_extended_error(
	struct edns *e, struct arena *arena, uint16_t info_code, struct view text)
{
	size_t length = 2 + text.length;
	struct writer w = writer_to(arena_octets(arena, length), length);
	write_u16(&w, info_code);
	write_octets(&w, (const uint8_t *)text.at, text.length);
	edns_option_add(e, arena, OPTION_EXTENDED_ERROR, written(&w));
}
