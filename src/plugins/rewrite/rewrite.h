/*
 * Rules of the plugin `rewrite`: what each matches and changes in a request, and what it then asks
 * to be changed in the reply. Rules are made at set-up and never change; what a request collects
 * lies in its arena.
 */
#ifndef ISTHMUS_PLUGINS_REWRITE_REWRITE_H
#define ISTHMUS_PLUGINS_REWRITE_REWRITE_H

#include "server/plugin.h"
#include "server/regex.h"

/* --- names that rules match --- */

enum match_kind {
	MATCH_EXACT,
	MATCH_PREFIX,
	MATCH_SUFFIX,
	MATCH_SUBSTRING,
	MATCH_REGEX,
};

/* Matches names in their text form, final dot included. */
struct matcher {
	enum match_kind kind;
	struct view text;
	struct regex *regex;
};

/* Whether a name fits. */
bool matcher_fits(const struct matcher *m, struct view name);

/*
 * The name that a matcher makes of one that fits, when what it matches becomes `to` (with {n} for
 * the groups of a pattern, which replaces the whole name).
 */
struct view matcher_replace(
	const struct matcher *m, struct arena *arena, struct view name, struct view to);

/* --- what happens to replies --- */

enum change_kind {
	CHANGE_REMAP,	/* `from` and names below it become `to` and names below it */
	CHANGE_SUFFIX,	/* a text that ends in from_text ends in to_text */
	CHANGE_PATTERN, /* a text that fits the pattern becomes to_text */
	CHANGE_TTL,	/* TTLs are brought between least and most */
	CHANGE_RCODE,	/* the code `least` becomes `most` */
	CHANGE_CNAME,	/* targets that fit are looked up anew: by the rule */
	CHANGE_OPTION,	/* the EDNS option `code` becomes `data`; goes, when data.at is NULL */
};

struct change {
	enum change_kind kind;
	bool owner, value; /* of names: in owners, in data */
	struct name from, to;
	struct view from_text, to_text;
	struct regex *regex;
	uint32_t least, most;
	const struct rule *rule;
	uint16_t code;
	struct view data;
};

/* --- rules --- */

enum field {
	FIELD_NAME_RULE,
	FIELD_CLASS_RULE,
	FIELD_TYPE_RULE,
	FIELD_EDNS_RULE,
	FIELD_TTL_RULE,
	FIELD_RCODE_RULE,
	FIELD_CNAME_RULE,
};

enum edns_kind {
	EDNS_LOCAL,
	EDNS_VARIABLE,
	EDNS_NSID,
	EDNS_SUBNET,
};

enum edns_action {
	EDNS_SET,
	EDNS_APPEND,
	EDNS_REPLACE,
	EDNS_UNSET,
};

struct edns_rule {
	enum edns_kind kind;
	enum edns_action action;
	uint16_t code;
	struct view data;     /* of EDNS_LOCAL */
	struct view variable; /* without its braces */
	unsigned v4_bits, v6_bits;
	bool reverts;
};

struct rule {
	struct rule *next;
	enum field field;
	bool stops;
	struct matcher matcher; /* name, ttl, rcode, cname */
	struct view to;		/* name, cname: what the matched becomes */
	bool remaps;		/* name: the answer is mapped back to the name that was asked for */
	uint16_t from_number, to_number; /* class, type */
	struct edns_rule edns;
	const struct change *changes; /* of replies, beside those that depend on the request */
	size_t change_count;
};

struct rewrite {
	struct rule *rules, **last;
};

/* A request that is being rewritten. */
struct rewriting {
	struct query *query;
	struct view name; /* the current qname in lower case, as text; empty until asked for */
	const struct change **changes;
	size_t change_count, change_capacity;
};

/* The current name as text. */
struct view rewriting_name(struct rewriting *r);

/* Asks for a change of the reply. */
void rewriting_add(struct rewriting *r, const struct change *c);

/* --- parts --- */

/* setup.c: one line of the Corefile, or one block. */
bool rewrite_setup(struct setup *s);

/* setup_name.c: a rule's words behind the field. False with the error set. */
bool name_rule_read(struct setup *s, struct rule *rule, const struct view *words, size_t count);

/* Reads a matcher of this kind; false with *why naming what is wrong with the pattern. */
bool matcher_read(struct setup *s, struct matcher *m, enum match_kind kind, struct view word,
	const char **why);

/* The kind that a word names; false if it is none. */
bool match_kind_read(struct view word, enum match_kind *kind);

/* A word in lower case; as a name also with its final dot. */
struct view lower_word(struct arena *arena, struct view word);
struct view lower_name(struct arena *arena, struct view word);

/* setup_edns.c */
bool edns_rule_read(struct setup *s, struct rule *rule, const struct view *words, size_t count);

/* edns.c: applies an edns0 rule; gives whether it has matched. */
bool edns_rule_apply(const struct rule *rule, struct rewriting *r);

/* serve.c */
int rewrite_serve(struct plugin *self, struct query *q);

/* reply.c: makes the changes in q->reply, a copy of the reply there is, and in the options of the
 * request. */
void reply_change(struct rewriting *r);

#endif
