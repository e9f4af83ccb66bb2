/*
 * Rdata being read from its presentation form: a lexer, the word it stands at, and the wire form
 * that grows.
 *
 * Each field's reader takes the words it is made of; when one is bad it stays there, so that the
 * error text can show it.
 */
#ifndef ISTHMUS_DNS_RDATA_SOURCE_H
#define ISTHMUS_DNS_RDATA_SOURCE_H

#include "base/encoding.h"
#include "dns/master_lexer.h"
#include "dns/name.h"
#include "dns/writer.h"

struct rdata_source {
	struct master_lexer *lexer;
	struct token token; /* where it stands */
	struct writer *to;
	struct name origin;  /* of relative names */
	const char *problem; /* NULL, or what is wrong where "bad TYPE Field" would not say it */
};

static inline void source_next(struct rdata_source *s)
{
	master_lexer_next(s->lexer, &s->token);
}

/* Whether no more words are on the line. */
static inline bool source_ended(const struct rdata_source *s)
{
	return s->token.kind == TOKEN_NEWLINE || s->token.kind == TOKEN_END;
}

static inline bool source_at_word(const struct rdata_source *s)
{
	return s->token.kind == TOKEN_WORD;
}

static inline bool source_at_text(const struct rdata_source *s)
{
	return s->token.kind == TOKEN_WORD || s->token.kind == TOKEN_QUOTED;
}

/* A name as text: "@" is the origin, relative ones are completed with it. */
bool name_parse_in(struct view text, struct name origin, struct name_buffer *to);

/* Takes a number up to max. */
bool source_number(struct rdata_source *s, uint64_t max, uint64_t *number);

/* Takes a name, writes it without compression. */
bool source_name(struct rdata_source *s);

/* Takes one word that has the form of an address, writes its octets. */
bool source_ipv4(struct rdata_source *s);
bool source_ipv6(struct rdata_source *s);

/* The octets of a text with escapes, at most `room`; false for a bad escape or too many. */
bool octets_unescape(struct view text, uint8_t *to, size_t room, size_t *length);

/* A decoding into what is left of the wire form, and its end: what has been decoded counts as
 * written. */
struct decoding source_decoding(const struct rdata_source *s);
void source_decoded(struct rdata_source *s, const struct decoding *d);

/* Fields with a text of their own. */
bool source_loc(struct rdata_source *s);
bool source_apl(struct rdata_source *s);
bool source_svc_params(struct rdata_source *s);

#endif
