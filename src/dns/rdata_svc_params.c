/*
 * Service parameters of SVCB and HTTPS (RFC 9460 2.1, 7; RFC 9461 5 for dohpath, RFC 9540 4 for
 * ohttp). On the wire they are in the order of their keys; a text may have them in any order.
 */
#include "base/address.h"
#include "dns/presentation.h"
#include "dns/rdata_source.h"
#include "dns/rdata_text.h"

enum svc_key {
	KEY_MANDATORY,
	KEY_ALPN,
	KEY_NO_DEFAULT_ALPN,
	KEY_PORT,
	KEY_IPV4HINT,
	KEY_ECH,
	KEY_IPV6HINT,
	KEY_DOHPATH,
	KEY_OHTTP,
	KEYS_KNOWN,
	KEY_INVALID = UINT16_MAX,
};

static const char *const key_names[KEYS_KNOWN] = { "mandatory", "alpn", "no-default-alpn", "port",
	"ipv4hint", "ech", "ipv6hint", "dohpath", "ohttp" };

enum { PARAMS_MAX = 512 };

/* A name or keyN without leading zeros; *generic says that it was the latter. */
static bool key_parse(struct view text, uint16_t *key, bool *generic)
{
	uint64_t number;
	*generic = false;
	for (unsigned i = 0; i < KEYS_KNOWN; i++) {
		if (view_is(text, key_names[i])) {
			*key = (uint16_t)i;
			return true;
		}
	}
	if (text.length < 4 || !view_starts(text, VIEW("key")) ||
		(text.at[3] == '0' && text.length > 4) ||
		!view_unsigned(view_skip(text, 3), KEY_INVALID - 1, &number))
		return false;
	*generic = true;
	*key = (uint16_t)number;
	return true;
}

/* --- whether a value is well formed --- */

static bool strings_fit(struct reader r)
{
	if (r.at == r.end)
		return false;
	while (!r.failed && r.at < r.end) {
		uint8_t length = read_u8(&r);
		if (length == 0)
			return false;
		read_skip(&r, length);
	}
	return !r.failed;
}

/* Keys in ascending order, not the list's own. */
static bool keys_fit(struct reader r)
{
	if (r.at == r.end)
		return false;
	for (int last = KEY_MANDATORY; r.at < r.end;) {
		int key = read_u16(&r);
		if (r.failed || key <= last)
			return false;
		last = key;
	}
	return true;
}

static bool value_fits(uint16_t key, struct reader r)
{
	size_t length = r.end - r.at;
	switch (key) {
	case KEY_MANDATORY:
		return keys_fit(r);
	case KEY_ALPN:
		return strings_fit(r);
	case KEY_NO_DEFAULT_ALPN:
	case KEY_OHTTP:
		return length == 0;
	case KEY_PORT:
		return length == 2;
	case KEY_IPV4HINT:
		return length && length % IPV4_OCTETS == 0;
	case KEY_IPV6HINT:
		return length && length % IPV6_OCTETS == 0;
	case KEY_ECH:
		return length > 0;
	default:
		return true;
	}
}

/* --- from text --- */

/* Takes what is before the next comma off the front of a list that is not at its end; true as long
 * as more follows. */
static bool list_next(struct view *list, struct view *part)
{
	size_t comma = view_find(*list, ',');
	*part = view_first(*list, comma);
	bool more = comma < list->length;
	*list = view_skip(*list, more ? comma + 1 : comma);
	return more;
}

static bool write_unescaped(struct writer *w, struct view text)
{
	while (text.length) {
		uint8_t octet;
		if (!octet_take(&text, &octet))
			return false;
		write_u8(w, octet);
	}
	return true;
}

/* Two levels of escapes (RFC 9460 A.1): those of a string have been taken out first, then those of
 * a list's items. */
static bool write_alpn(struct writer *w, struct view text)
{
	size_t length_at = w->at, length = 0;
	bool escaped = false;
	write_u8(w, 0);
	while (text.length && !w->failed) {
		uint8_t octet;
		if (!octet_take(&text, &octet))
			return false;
		if (!escaped && octet == '\\') {
			escaped = true;
			continue;
		}
		if (escaped && octet != ',' && octet != '\\')
			return false;
		if (!escaped && octet == ',') {
			if (length == 0)
				return false;
			length_at = w->at;
			length = 0;
			write_u8(w, 0);
			continue;
		}
		escaped = false;
		if (++length > UINT8_MAX)
			return false;
		write_u8(w, octet);
		if (!w->failed)
			w->base[length_at] = (uint8_t)length;
	}
	return length && !escaped;
}

/* Keys in any order, written in ascending order. */
static bool write_keys(struct writer *w, struct view text)
{
	uint16_t keys[PARAMS_MAX];
	size_t count = 0;
	struct view part;
	bool more = true, generic;
	while (more) {
		uint16_t key;
		more = list_next(&text, &part);
		if (count == PARAMS_MAX || !key_parse(part, &key, &generic))
			return false;
		size_t at = count++;
		for (; at > 0 && keys[at - 1] > key; at--)
			keys[at] = keys[at - 1];
		keys[at] = key;
	}
	for (size_t i = 0; i < count; i++)
		write_u16(w, keys[i]);
	return true;
}

static bool write_port(struct writer *w, struct view text)
{
	uint64_t port;
	if (!view_unsigned(text, UINT16_MAX, &port))
		return false;
	write_u16(w, (uint16_t)port);
	return true;
}

static bool write_addresses(struct writer *w, struct view text, bool v6)
{
	struct view part;
	bool more = true;
	while (more) {
		uint8_t address[IPV6_OCTETS];
		more = list_next(&text, &part);
		if (!(v6 ? ipv6_parse : ipv4_parse)(part, address))
			return false;
		write_octets(w, address, v6 ? IPV6_OCTETS : IPV4_OCTETS);
	}
	return true;
}

static bool write_base64(struct writer *w, struct view text)
{
	struct decoding d = { .to = w->base + w->at, .room = w->end - w->at };
	if (w->failed || !base64_decode(&d, text) || !base64_decoded(&d))
		return false;
	w->at += d.length;
	return true;
}

static bool write_value(struct writer *w, uint16_t key, bool generic, struct view text)
{
	if (generic)
		return write_unescaped(w, text);
	switch (key) {
	case KEY_MANDATORY:
		return write_keys(w, text);
	case KEY_ALPN:
		return write_alpn(w, text);
	case KEY_PORT:
		return write_port(w, text);
	case KEY_IPV4HINT:
	case KEY_IPV6HINT:
		return write_addresses(w, text, key == KEY_IPV6HINT);
	case KEY_ECH:
		return write_base64(w, text);
	default:
		return write_unescaped(w, text);
	}
}

/* Takes key, key=value or key="value" as it stands, the quotes taken off. */
static bool source_param(struct rdata_source *s, struct view *key, struct view *value)
{
	struct view word = s->token.text;
	if (!source_at_word(s))
		return false;
	size_t equals = view_find(word, '=');
	*key = view_first(word, equals);
	*value = view_skip(word, equals < word.length ? equals + 1 : equals);
	const struct view *rest = &s->lexer->rest;
	if (equals + 1 == word.length && rest->length && rest->at[0] == '"') {
		source_next(s);
		*value = s->token.text;
		return s->token.kind == TOKEN_QUOTED;
	}
	return true;
}

static uint16_t key_at(const struct writer *w, size_t at)
{
	return (uint16_t)(w->base[at] << 8 | w->base[at + 1]);
}

static size_t size_at(const struct writer *w, size_t at)
{
	return 4u + key_at(w, at + 2);
}

static void reverse(uint8_t *from, uint8_t *to)
{
	while (from < to) {
		uint8_t octet = *from;
		*from++ = *--to;
		*to = octet;
	}
}

/* Moves the parameter at `last`, the newest, among those from `first` on to where its key belongs;
 * false if that is there. */
static bool put_in_order(struct writer *w, size_t first, size_t last)
{
	size_t at = first;
	while (at < last && key_at(w, at) < key_at(w, last))
		at += size_at(w, at);
	if (at < last && key_at(w, at) == key_at(w, last))
		return false;
	reverse(w->base + at, w->base + last);
	reverse(w->base + last, w->base + w->at);
	reverse(w->base + at, w->base + w->at);
	return true;
}

static bool has_key(const struct writer *w, size_t first, uint16_t key)
{
	size_t at = first;
	while (at < w->at && key_at(w, at) < key)
		at += size_at(w, at);
	return at < w->at && key_at(w, at) == key;
}

/* RFC 9460 8, 7.1.1: what is mandatory is there, and alpn where there is to be no default. */
static bool are_consistent(const struct writer *w, size_t first)
{
	if (has_key(w, first, KEY_NO_DEFAULT_ALPN) && !has_key(w, first, KEY_ALPN))
		return false;
	if (!has_key(w, first, KEY_MANDATORY))
		return true;
	for (size_t at = first + 4, end = first + size_at(w, first); at < end; at += 2) {
		if (!has_key(w, first, key_at(w, at)))
			return false;
	}
	return true;
}

static bool write_param(struct rdata_source *s, size_t first)
{
	struct writer *w = s->to;
	struct view key_text, value;
	uint16_t key;
	bool generic;
	size_t start = w->at;
	if (!source_param(s, &key_text, &value) || !key_parse(key_text, &key, &generic))
		return false;
	write_u16(w, key);
	write_u16(w, 0);
	if (!write_value(w, key, generic, value) || w->failed)
		return false;
	struct reader written = { .base = w->base, .start = start, .at = start + 4, .end = w->at };
	if (!value_fits(key, written))
		return false;
	rewrite_u16(w, start + 2, (uint16_t)(w->at - start - 4));
	return put_in_order(w, first, start);
}

bool source_svc_params(struct rdata_source *s)
{
	size_t first = s->to->at, count = 0;
	while (!source_ended(s)) {
		if (count++ == PARAMS_MAX || s->to->failed || !write_param(s, first))
			return false;
		source_next(s);
	}
	return s->to->failed || are_consistent(s->to, first);
}

/* --- to text --- */

static void add_key(struct text *t, uint16_t key)
{
	if (key < KEYS_KNOWN)
		text_add_string(t, key_names[key]);
	else
		text_printf(t, "key%u", key);
}

static void add_octet(struct text *t, uint8_t octet)
{
	text_add_escaped(t, (struct view){ (const char *)&octet, 1 }, "\"; \\");
}

/* A comma or backslash within an item is escaped twice: by a backslash that is escaped, and as
 * \DDD. */
static void add_alpn(struct text *t, struct reader *r)
{
	for (bool first = true; r->at < r->end; first = false) {
		if (!first)
			text_add_char(t, ',');
		for (uint8_t n = read_u8(r); n; n--) {
			uint8_t octet = read_u8(r);
			if (octet == ',' || octet == '\\')
				text_printf(t, "\\\\\\%03u", octet);
			else
				add_octet(t, octet);
		}
	}
}

static void add_keys(struct text *t, struct reader *r)
{
	for (bool first = true; r->at < r->end; first = false) {
		if (!first)
			text_add_char(t, ',');
		add_key(t, read_u16(r));
	}
}

static void add_addresses(struct text *t, struct reader *r, bool v6)
{
	for (bool first = true; r->at < r->end; first = false) {
		char printed[IPV6_TEXT_MAX];
		if (v6)
			ipv6_print(r->base + r->at, printed);
		else
			ipv4_print(r->base + r->at, printed);
		read_skip(r, v6 ? IPV6_OCTETS : IPV4_OCTETS);
		text_printf(t, "%s%s", first ? "" : ",", printed);
	}
}

static void add_value(struct text *t, uint16_t key, struct reader *r)
{
	switch (key) {
	case KEY_MANDATORY:
		add_keys(t, r);
		break;
	case KEY_ALPN:
		add_alpn(t, r);
		break;
	case KEY_PORT:
		text_printf(t, "%u", read_u16(r));
		break;
	case KEY_IPV4HINT:
	case KEY_IPV6HINT:
		add_addresses(t, r, key == KEY_IPV6HINT);
		break;
	case KEY_ECH:
		text_add_base64(t, (struct view){ (const char *)r->base + r->at, r->end - r->at });
		break;
	default:
		while (r->at < r->end)
			add_octet(t, read_u8(r));
	}
}

bool text_add_svc_params(struct text *t, struct reader *r)
{
	while (!r->failed && r->at < r->end) {
		uint16_t key = read_u16(r);
		struct reader value = read_part(r, read_u16(r));
		if (value.failed || !value_fits(key, value) || key == KEY_INVALID)
			return false;
		text_add_char(t, ' ');
		add_key(t, key);
		text_add_string(t, "=\"");
		add_value(t, key, &value);
		text_add_char(t, '"');
	}
	return !r->failed;
}
