/*
 * JSON (RFC 8259) read as it comes in: a parser that is fed octets and tells of what it meets, and keeps nothing but a
 * string that is cut off. No document is ever built. Texts of any length go through it; what it refuses is what RFC 8259
 * refuses, nesting deeper than JSON_DEPTH_MAX and strings longer than JSON_STRING_MAX.
 */
#ifndef ISTHMUS_SYNC_JSON_H
#define ISTHMUS_SYNC_JSON_H

#include "base/text.h"

enum {
	JSON_DEPTH_MAX = 64,
	JSON_STRING_MAX = 1 << 20,
	JSON_NUMBER_MAX = 64,
};

enum json_event {
	JSON_OBJECT,
	JSON_OBJECT_END,
	JSON_ARRAY,
	JSON_ARRAY_END,
	JSON_KEY,    /* the text, its escapes resolved */
	JSON_STRING, /* the same */
	JSON_NUMBER, /* as written */
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL,
};

struct json_parser;

/* Told of one event; `text` is good until it returns. False: the parser fails. May call json_skip(). */
typedef bool json_handler(struct json_parser *p, enum json_event event, struct view text);

/* Starts by json_begin(). The fields behind `depth` are the parser's own. */
struct json_parser {
	json_handler *handle;
	void *owner;
	unsigned depth; /* open objects and arrays */
	bool failed;
	uint64_t arrays; /* bit by depth: it is an array */
	uint8_t state, literal_at;
	const char *literal;
	bool skip_value;     /* the value that comes next is passed over */
	unsigned skip_depth; /* so is all from this depth on; 0: nothing is */
	bool is_key, cut;    /* the string in hand; `text` holds its beginning */
	uint32_t unit, surrogate; /* a \u escape's number so far, the first half of a pair */
	uint8_t digits;
	struct text text;
};

void json_begin(struct json_parser *p, json_handler *handle, void *owner);

/* Takes the next octets. Values may follow each other, with white space or nothing between them. False once it has failed. */
bool json_feed(struct json_parser *p, struct view octets);

/* Whether the text may end here: no value is unfinished. */
bool json_complete(struct json_parser *p);

/* For handlers, at JSON_KEY: the value that follows is passed over, no event tells of it. */
void json_skip(struct json_parser *p);

/* Whether what is told of now stands in an array. */
static inline bool json_in_array(const struct json_parser *p)
{
	return p->depth && (p->arrays >> (p->depth - 1) & 1);
}

/* Frees what it holds; it may be begun again. */
void json_end(struct json_parser *p);

/* Adds a string in quotes, with escapes where JSON needs them. */
void json_add_string(struct text *t, struct view string);

#endif
