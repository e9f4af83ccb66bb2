/*
 * LOC (RFC 1876): version, size and precisions as mantissa and power of ten in one octet, then
 * latitude, longitude (in thousandths of a second of arc, 2^31 being zero) and altitude (in cm
 * above 100 km below sea level).
 */
#include "dns/rdata_source.h"
#include "dns/rdata_text.h"

enum { MS_PER_DEGREE = 3600000, MS_PER_MINUTE = 60000, SEA_LEVEL_CM = 10000000 };
static const uint32_t zero_angle = 1u << 31;
static const uint64_t size_max_cm = 9000000000;

/* A number with at most `places` decimal places, as a multiple of 10^-places. */
static bool decimal_parse(struct view text, unsigned places, uint64_t max, uint64_t *number)
{
	size_t point = view_find(text, '.');
	uint64_t value = 0;
	if (text.length - (point < text.length) == 0)
		return false;
	unsigned decimals = 0;
	for (size_t i = 0; i < text.length; i++) {
		if (i == point)
			continue;
		if (text.at[i] < '0' || text.at[i] > '9' || value > max ||
			(i > point && ++decimals > places))
			return false;
		value = value * 10 + (uint64_t)(text.at[i] - '0');
	}
	while (decimals++ < places && value <= max)
		value *= 10;
	*number = value;
	return value <= max;
}

static bool refuse(struct rdata_source *s, const char *problem)
{
	s->problem = problem;
	return false;
}

/* Takes a direction's letter; *sign becomes 1 for `plus`, -1 for `minus`. */
static bool source_direction(struct rdata_source *s, char plus, char minus, int *sign)
{
	if (!source_at_word(s) || s->token.text.length != 1)
		return false;
	char c = (char)(s->token.text.at[0] & ~0x20);
	if (c != plus && c != minus)
		return false;
	*sign = c == plus ? 1 : -1;
	source_next(s);
	return true;
}

/* d [m [s]] direction, up to `most` degrees. */
static bool source_angle(struct rdata_source *s, unsigned most, char plus, char minus)
{
	uint64_t degrees, minutes = 0, seconds = 0;
	int sign = 0;
	if (!source_number(s, most, &degrees))
		return false;
	if (!source_direction(s, plus, minus, &sign)) {
		if (!source_number(s, 59, &minutes))
			return false;
		if (!source_direction(s, plus, minus, &sign)) {
			if (!source_at_word(s) ||
				!decimal_parse(s->token.text, 3, MS_PER_MINUTE - 1, &seconds))
				return false;
			source_next(s);
			if (!source_direction(s, plus, minus, &sign))
				return false;
		}
	}
	uint64_t angle = degrees * MS_PER_DEGREE + minutes * MS_PER_MINUTE + seconds;
	if (angle > (uint64_t)most * MS_PER_DEGREE)
		return false;
	write_u32(s->to, sign > 0 ? zero_angle + (uint32_t)angle : zero_angle - (uint32_t)angle);
	return true;
}

/* The text without its "m". */
static struct view without_metre(struct view text)
{
	if (text.length && (text.at[text.length - 1] | 0x20) == 'm')
		text.length--;
	return text;
}

static bool source_altitude(struct rdata_source *s)
{
	struct view text = without_metre(s->token.text);
	bool below = text.length && text.at[0] == '-';
	uint64_t cm;
	if (!source_at_word(s) || !decimal_parse(below ? view_skip(text, 1) : text, 2,
					  below ? SEA_LEVEL_CM : UINT32_MAX - SEA_LEVEL_CM, &cm))
		return false;
	write_u32(s->to, (uint32_t)(below ? SEA_LEVEL_CM - cm : SEA_LEVEL_CM + cm));
	source_next(s);
	return true;
}

/* A size, or what it is when it is missing; one digit and a power of ten are kept of it. */
static bool source_size(struct rdata_source *s, uint8_t missing, uint8_t *size)
{
	uint64_t cm;
	*size = missing;
	if (source_ended(s))
		return true;
	if (!source_at_word(s) || !decimal_parse(without_metre(s->token.text), 2, size_max_cm, &cm))
		return false;
	unsigned exponent = 0;
	for (; cm >= 10; cm /= 10)
		exponent++;
	*size = (uint8_t)(cm << 4 | exponent);
	source_next(s);
	return true;
}

bool source_loc(struct rdata_source *s)
{
	uint8_t sizes[] = { 0x12, 0x16, 0x13 }; /* RFC 1876 3: 1 m, 10,000 m, 10 m */
	size_t sizes_at = s->to->at + 1;
	write_u32(s->to, 0);
	if (!source_angle(s, 90, 'N', 'S'))
		return refuse(s, "bad LOC Latitude");
	if (!source_angle(s, 180, 'E', 'W'))
		return refuse(s, "bad LOC Longitude");
	if (!source_altitude(s))
		return refuse(s, "bad LOC Altitude");
	if (!source_size(s, sizes[0], sizes))
		return refuse(s, "bad LOC Size");
	if (!source_size(s, sizes[1], sizes + 1))
		return refuse(s, "bad LOC HorizPre");
	if (!source_size(s, sizes[2], sizes + 2))
		return refuse(s, "bad LOC VertPre");
	for (size_t i = 0; i < sizeof sizes && !s->to->failed; i++)
		s->to->base[sizes_at + i] = sizes[i];
	return true;
}

/* --- printing --- */

static bool add_angle(struct text *t, uint32_t angle, uint32_t most, char plus, char minus)
{
	bool positive = angle > zero_angle;
	uint32_t ms = positive ? angle - zero_angle : zero_angle - angle;
	text_printf(t, "%02u %02u %u.%03u %c ", ms / MS_PER_DEGREE,
		ms % MS_PER_DEGREE / MS_PER_MINUTE, ms % MS_PER_MINUTE / 1000, ms % 1000,
		positive ? plus : minus);
	return ms <= most * MS_PER_DEGREE;
}

/* The octet is a digit and a power of ten, of centimetres. */
static bool add_size(struct text *t, uint8_t size)
{
	unsigned mantissa = size >> 4, exponent = size & 15;
	if (mantissa > 9 || exponent > 9 || (mantissa == 0 && exponent))
		return false;
	if (exponent < 2) {
		text_printf(t, " 0.%02um", exponent ? mantissa * 10 : mantissa);
		return true;
	}
	text_printf(t, " %u", mantissa);
	for (; exponent > 2; exponent--)
		text_add_char(t, '0');
	text_add_char(t, 'm');
	return true;
}

bool text_add_loc(struct text *t, struct reader *r)
{
	uint8_t version = read_u8(r), size = read_u8(r), horizontal = read_u8(r),
		vertical = read_u8(r);
	uint32_t latitude = read_u32(r), longitude = read_u32(r), altitude = read_u32(r);
	if (r->failed || version != 0)
		return false;
	if (!add_angle(t, latitude, 90, 'N', 'S') || !add_angle(t, longitude, 180, 'E', 'W'))
		return false;
	int64_t cm = (int64_t)altitude - SEA_LEVEL_CM;
	uint64_t distance = (uint64_t)(cm < 0 ? -cm : cm);
	text_printf(t, "%s%llu", cm < 0 ? "-" : "", (unsigned long long)distance / 100);
	if (distance % 100)
		text_printf(t, ".%02u", (unsigned)(distance % 100));
	text_add_char(t, 'm');
	return add_size(t, size) && add_size(t, horizontal) && add_size(t, vertical);
}
