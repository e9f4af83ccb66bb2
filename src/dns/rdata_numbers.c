/* Mnemonics, TTLs and times inside rdata. */
#include "dns/rdata_numbers.h"

#include "base/clock.h"
#include <time.h>

/* Where a number has several mnemonics the first one is printed. */
struct mnemonic {
	const char *text;
	uint16_t number;
};

static const struct mnemonic algorithms[] = { { "RSAMD5", 1 }, { "DH", 2 }, { "DSA", 3 },
	{ "ECC", 4 }, { "RSASHA1", 5 }, { "DSA-NSEC3-SHA1", 6 }, { "NSEC3DSA", 6 },
	{ "RSASHA1-NSEC3-SHA1", 7 }, { "NSEC3RSASHA1", 7 }, { "RSASHA256", 8 }, { "RSASHA512", 10 },
	{ "ECC-GOST", 12 }, { "ECCGOST", 12 }, { "ECDSAP256SHA256", 13 }, { "ECDSAP384SHA384", 14 },
	{ "ED25519", 15 }, { "ED448", 16 }, { "INDIRECT", 252 }, { "PRIVATEDNS", 253 },
	{ "PRIVATEOID", 254 }, { NULL, 0 } };

static const struct mnemonic cert_types[] = { { "PKIX", 1 }, { "SPKI", 2 }, { "PGP", 3 },
	{ "IPKIX", 4 }, { "ISPKI", 5 }, { "IPGP", 6 }, { "ACPKIX", 7 }, { "IACPKIX", 8 },
	{ "URI", 253 }, { "OID", 254 }, { NULL, 0 } };

static const struct mnemonic schemes[] = { { "NOTIFY", 1 }, { NULL, 0 } };

static const struct mnemonic protocols[] = { { "TCP", 6 }, { "UDP", 17 }, { NULL, 0 } };

static bool parse(struct view text, const struct mnemonic *m, uint64_t max, uint16_t *number)
{
	uint64_t value;
	bool is_number = view_unsigned(text, max, &value);
	*number = is_number ? (uint16_t)value : 0;
	for (; !is_number && m->text; m++) {
		if (view_equal_nocase(text, view_of(m->text))) {
			*number = m->number;
			return true;
		}
	}
	return is_number;
}

static bool parse_u8(struct view text, const struct mnemonic *m, uint8_t *number)
{
	uint16_t value;
	bool good = parse(text, m, UINT8_MAX, &value);
	*number = (uint8_t)value;
	return good;
}

bool algorithm_parse(struct view text, uint8_t *algorithm)
{
	return parse_u8(text, algorithms, algorithm);
}

bool cert_type_parse(struct view text, uint16_t *type)
{
	return parse(text, cert_types, UINT16_MAX, type);
}

bool scheme_parse(struct view text, uint8_t *scheme)
{
	return parse_u8(text, schemes, scheme);
}

bool protocol_parse(struct view text, uint8_t *protocol)
{
	return parse_u8(text, protocols, protocol);
}

static void add(struct text *t, const struct mnemonic *m, unsigned number)
{
	while (m->text && m->number != number)
		m++;
	if (m->text)
		text_add_string(t, m->text);
	else
		text_printf(t, "%u", number);
}

void text_add_algorithm(struct text *t, uint8_t algorithm)
{
	add(t, algorithms, algorithm);
}

void text_add_cert_type(struct text *t, uint16_t type)
{
	add(t, cert_types, type);
}

void text_add_scheme(struct text *t, uint8_t scheme)
{
	add(t, schemes, scheme);
}

static uint64_t unit_seconds(char unit)
{
	switch (unit | 0x20) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	case 'w':
		return 604800;
	default:
		return 0;
	}
}

bool ttl_parse(struct view text, uint32_t *ttl)
{
	uint64_t sum = 0, number = 0;
	bool digits = false;
	for (size_t i = 0; i < text.length; i++) {
		char c = text.at[i];
		if (c >= '0' && c <= '9') {
			number = number * 10 + (uint64_t)(c - '0');
			digits = true;
		} else {
			if (!digits || unit_seconds(c) == 0)
				return false;
			sum += number * unit_seconds(c);
			number = 0;
			digits = false;
		}
		if (number > UINT32_MAX || sum > UINT32_MAX)
			return false;
	}
	*ttl = (uint32_t)(sum + number);
	return text.length && sum + number <= UINT32_MAX;
}

/* The number that `count` digits are; the text is known to consist of digits. */
static int digits_value(const char *at, int count)
{
	int value = 0;
	while (count--)
		value = value * 10 + (*at++ - '0');
	return value;
}

enum { TIME_DIGITS = 14 };

bool time_parse(struct view text, uint32_t *seconds)
{
	uint64_t number;
	if (!view_unsigned(text, UINT64_MAX, &number))
		return false;
	if (text.length != TIME_DIGITS) {
		*seconds = (uint32_t)number;
		return number <= UINT32_MAX;
	}
	const char *at = text.at;
	struct tm tm = { .tm_year = digits_value(at, 4) - 1900,
		.tm_mon = digits_value(at + 4, 2) - 1,
		.tm_mday = digits_value(at + 6, 2),
		.tm_hour = digits_value(at + 8, 2),
		.tm_min = digits_value(at + 10, 2),
		.tm_sec = digits_value(at + 12, 2) };
	struct tm given = tm;
	time_t point = timegm(&tm);
	*seconds = (uint32_t)((uint64_t)point & UINT32_MAX);
	return tm.tm_mon == given.tm_mon && tm.tm_mday == given.tm_mday &&
	       tm.tm_hour == given.tm_hour && tm.tm_min == given.tm_min &&
	       tm.tm_sec == given.tm_sec;
}

void text_add_time(struct text *t, uint32_t seconds)
{
	time_t point = seconds;
	if (point < clock_wall_seconds() - INT32_MAX)
		point += (time_t)UINT32_MAX + 1;
	struct tm tm;
	if (!gmtime_r(&point, &tm))
		return;
	text_printf(t, "%04d%02d%02d%02d%02d%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		tm.tm_hour, tm.tm_min, tm.tm_sec);
}
