/* The parser: a machine that can stop between any two octets. */
#include "sync/json.h"

#include "base/utf8.h"

enum state {
	VALUE,        /* a value must come */
	VALUE_OR_END, /* or the end of an array that has none yet */
	KEY_OR_END,   /* a key, or the end of an object that has none yet */
	KEY,
	COLON,
	AFTER, /* a comma or the end; outside of everything the next value */
	LITERAL,
	NUMBER,
	STRING,
	ESCAPE,
	UNICODE,
};

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool is_skipping(const struct json_parser *p)
{
	return p->skip_value || (p->skip_depth && p->depth >= p->skip_depth);
}

static bool tell(struct json_parser *p, enum json_event e, struct view text)
{
	return is_skipping(p) || p->handle(p, e, text);
}

void json_begin(struct json_parser *p, json_handler *handle, void *owner)
{
	*p = (struct json_parser){ .handle = handle, .owner = owner, .state = AFTER };
}

void json_end(struct json_parser *p)
{
	text_free(&p->text);
}

void json_skip(struct json_parser *p)
{
	p->skip_value = true;
}

/* --- objects and arrays --- */

static bool told_value(struct json_parser *p, enum json_event e, struct view text)
{
	bool told = tell(p, e, text);
	p->state = AFTER;
	p->skip_value = false;
	return told;
}

static bool open(struct json_parser *p, bool array)
{
	if (p->depth == JSON_DEPTH_MAX || !tell(p, array ? JSON_ARRAY : JSON_OBJECT, VIEW("")))
		return false;
	uint64_t bit = 1ull << p->depth++;
	p->arrays = array ? p->arrays | bit : p->arrays & ~bit;
	if (p->skip_value)
		p->skip_depth = p->depth;
	p->skip_value = false;
	p->state = array ? VALUE_OR_END : KEY_OR_END;
	return true;
}

static bool close(struct json_parser *p, bool array)
{
	if (!p->depth || json_in_array(p) != array)
		return false;
	bool ends_skipping = p->depth == p->skip_depth;
	p->skip_value = ends_skipping;
	p->depth--;
	if (ends_skipping)
		p->skip_depth = 0;
	return told_value(p, array ? JSON_ARRAY_END : JSON_OBJECT_END, VIEW(""));
}

/* --- strings --- */

static void begin_string(struct json_parser *p, bool key)
{
	p->is_key = key;
	p->state = STRING;
	p->surrogate = 0;
	text_clear(&p->text);
}

/* Keeps a piece of a string that does not lie in one run of octets. */
static bool keep(struct json_parser *p, struct view piece)
{
	if (is_skipping(p))
		return true;
	if (piece.length > JSON_STRING_MAX - p->text.length)
		return false;
	if (p->text.length + piece.length)
		text_add(&p->text, piece);
	return true;
}

static bool end_string(struct json_parser *p, struct view last)
{
	struct view whole = last;
	if (p->surrogate)
		return false;
	if (p->text.length) {
		if (!keep(p, last))
			return false;
		whole = text_view(&p->text);
	}
	if (!p->is_key)
		return told_value(p, JSON_STRING, whole);
	p->state = COLON;
	return tell(p, JSON_KEY, whole);
}

static uint64_t load(const char *at)
{
	uint64_t word;
	memcpy(&word, at, sizeof word);
	return word;
}

/* Whether one of eight octets is a quote, a backslash, or a control character: each test sets an octet's high bit. */
static bool has_special(uint64_t word)
{
	const uint64_t ones = 0x0101010101010101ull, high = 0x8080808080808080ull;
	uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');
	uint64_t found = ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) |
			 ((word - ones * 0x20) & ~word);
	return (found & high) != 0;
}

/* Octets up to the next one that ends a run. */
static size_t run_length(struct view v)
{
	size_t at = 0;
	while (v.length - at >= sizeof(uint64_t) && !has_special(load(v.at + at)))
		at += sizeof(uint64_t);
	while (at < v.length && v.at[at] != '"' && v.at[at] != '\\' && (unsigned char)v.at[at] >= 0x20)
		at++;
	return at;
}

static bool read_string(struct json_parser *p, struct view *rest)
{
	size_t length = run_length(*rest);
	struct view run = view_first(*rest, length);
	if (length && p->surrogate)
		return false;
	*rest = view_skip(*rest, length);
	if (!rest->length)
		return keep(p, run);
	char c = rest->at[0];
	*rest = view_skip(*rest, 1);
	if (c == '"')
		return end_string(p, run);
	if (c != '\\')
		return false;
	p->state = ESCAPE;
	return keep(p, run);
}

static bool read_escape(struct json_parser *p, char c)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	if (c == 'u') {
		p->state = UNICODE;
		p->unit = 0;
		p->digits = 0;
		return true;
	}
	const char *found = c ? strchr(from, c) : NULL;
	if (!found || p->surrogate)
		return false;
	p->state = STRING;
	return keep(p, (struct view){ &to[found - from], 1 });
}

/* A pair of surrogates stands for one character (RFC 8259 7); half of one is refused. */
static bool end_unicode(struct json_parser *p)
{
	uint32_t unit = p->unit;
	p->state = STRING;
	if (unit >= 0xd800 && unit < 0xdc00 && !p->surrogate) {
		p->surrogate = unit;
		return true;
	}
	bool low = unit >= 0xdc00 && unit < 0xe000;
	if (low != (p->surrogate != 0))
		return false;
	if (low)
		unit = 0x10000 + ((p->surrogate - 0xd800) << 10) + (unit - 0xdc00);
	p->surrogate = 0;
	char octets[4];
	size_t length = utf8_encode(unit, octets);
	return keep(p, (struct view){ octets, length });
}

static bool read_unicode(struct json_parser *p, char c)
{
	unsigned digit;
	if (c >= '0' && c <= '9')
		digit = (unsigned)(c - '0');
	else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		digit = (unsigned)((c | 0x20) - 'a') + 10;
	else
		return false;
	p->unit = p->unit * 16 + digit;
	return ++p->digits < 4 || end_unicode(p);
}

/* --- numbers and literals --- */

static size_t digits(struct view v, size_t at)
{
	while (at < v.length && v.at[at] >= '0' && v.at[at] <= '9')
		at++;
	return at;
}

static bool is_number(struct view v)
{
	size_t at = v.length && v.at[0] == '-', end = digits(v, at);
	if (end == at || (v.at[at] == '0' && end > at + 1))
		return false;
	if (end < v.length && v.at[end] == '.') {
		at = end + 1;
		end = digits(v, at);
		if (end == at)
			return false;
	}
	if (end < v.length && (v.at[end] | 0x20) == 'e') {
		at = end + 1;
		at += at < v.length && (v.at[at] == '+' || v.at[at] == '-');
		end = digits(v, at);
		if (end == at)
			return false;
	}
	return end == v.length;
}

static bool in_number(char c)
{
	return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || (c | 0x20) == 'e';
}

static bool end_number(struct json_parser *p)
{
	struct view number = text_view(&p->text);
	return is_number(number) && told_value(p, JSON_NUMBER, number);
}

static bool read_number(struct json_parser *p, struct view *rest)
{
	char c = rest->at[0];
	if (!in_number(c))
		return end_number(p);
	*rest = view_skip(*rest, 1);
	if (p->text.length == JSON_NUMBER_MAX)
		return false;
	text_add_char(&p->text, c);
	return true;
}

static bool read_literal(struct json_parser *p, char c)
{
	if (p->literal[p->literal_at++] != c)
		return false;
	if (p->literal[p->literal_at])
		return true;
	return told_value(p, p->literal[0] == 't' ? JSON_TRUE : p->literal[0] == 'f' ? JSON_FALSE : JSON_NULL,
		VIEW(""));
}

/* --- the machine --- */

static bool begin_literal(struct json_parser *p, const char *literal)
{
	p->literal = literal;
	p->literal_at = 1;
	p->state = LITERAL;
	return true;
}

static bool begin_value(struct json_parser *p, char c)
{
	switch (c) {
	case '{':
		return open(p, false);
	case '[':
		return open(p, true);
	case '"':
		begin_string(p, false);
		return true;
	case 't':
		return begin_literal(p, "true");
	case 'f':
		return begin_literal(p, "false");
	case 'n':
		return begin_literal(p, "null");
	default:
		if (!in_number(c))
			return false;
		text_clear(&p->text);
		text_add_char(&p->text, c);
		p->state = NUMBER;
		return true;
	}
}

static bool after_value(struct json_parser *p, char c)
{
	if (!p->depth)
		return begin_value(p, c);
	if (c == ',') {
		p->state = json_in_array(p) ? VALUE : KEY;
		return true;
	}
	return (c == ']' || c == '}') && close(p, c == ']');
}

/* One octet between strings and numbers, white space excepted. */
static bool read_structure(struct json_parser *p, char c)
{
	switch ((enum state)p->state) {
	case VALUE_OR_END:
		return c == ']' ? close(p, true) : begin_value(p, c);
	case KEY_OR_END:
		if (c == '}')
			return close(p, false);
		__attribute__((fallthrough));
	case KEY:
		begin_string(p, true);
		return c == '"';
	case COLON:
		p->state = VALUE;
		return c == ':';
	case AFTER:
		return after_value(p, c);
	default:
		return begin_value(p, c);
	}
}

static bool step(struct json_parser *p, struct view *rest)
{
	char c = rest->at[0];
	switch ((enum state)p->state) {
	case STRING:
		return read_string(p, rest);
	case NUMBER:
		return read_number(p, rest);
	case ESCAPE:
		*rest = view_skip(*rest, 1);
		return read_escape(p, c);
	case UNICODE:
		*rest = view_skip(*rest, 1);
		return read_unicode(p, c);
	case LITERAL:
		*rest = view_skip(*rest, 1);
		return read_literal(p, c);
	default:
		*rest = view_skip(*rest, 1);
		return is_space(c) || read_structure(p, c);
	}
}

bool json_feed(struct json_parser *p, struct view octets)
{
	while (octets.length && !p->failed)
		p->failed = !step(p, &octets);
	return !p->failed;
}

bool json_complete(struct json_parser *p)
{
	if (!p->failed && p->state == NUMBER && p->depth == 0)
		p->failed = !end_number(p);
	return !p->failed && p->depth == 0 && p->state == AFTER;
}

/* --- writing --- */

void json_add_string(struct text *t, struct view string)
{
	text_add_char(t, '"');
	for (size_t i = 0; i < string.length; i++) {
		unsigned char c = (unsigned char)string.at[i];
		if (c < 0x20)
			text_printf(t, "\\u%04x", c);
		else if (c == '"' || c == '\\')
			text_printf(t, "\\%c", c);
		else
			text_add_char(t, (char)c);
	}
	text_add_char(t, '"');
}
