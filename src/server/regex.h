/*
 * Regular expressions in the syntax of Go and RE2, searched in time linear to the text whatever the
 * pattern.
 *
 * The engine is a module of its own (regex_re2.cc), loaded with the first pattern: a server without
 * patterns does not pay for it. Compiled patterns are immutable and shared by all workers.
 */
#ifndef ISTHMUS_SERVER_REGEX_H
#define ISTHMUS_SERVER_REGEX_H

#include "base/arena.h"

struct regex;

enum {
	REGEX_PATTERN_MAX = 10000,   /* octets; longer ones are refused */
	REGEX_EXPANSION_MAX = 65535, /* octets that an expansion can grow to; it ends there */
};

/*
 * Compiles a pattern; it lives as long as the arena. NULL with *why (in the arena) in Go's words,
 * as users of CoreDNS know them: "error parsing regexp: missing closing ): `(`"; or "regex pattern
 * too long: 10001 > 10000"; or why the module cannot be loaded. Control thread: loads the module if
 * it is the first.
 */
struct regex *regex_compile(struct arena *arena, struct view pattern, const char **why);

/* The pattern as it was given. */
struct view regex_pattern(const struct regex *r);

/* Capturing groups, the whole match not counted. */
size_t regex_groups(const struct regex *r);

/* The name of group 1..regex_groups(); empty for one without name. */
struct view regex_group_name(const struct regex *r, size_t group);

/* Whether the pattern fits anywhere in the text. Several times cheaper than regex_captures. */
bool regex_matches(const struct regex *r, struct view text);

/*
 * The first match: groups[0] is all of it, groups[n] the n-th group, for `count` groups at most; a
 * group that takes no part has `at` NULL. False without a match.
 */
bool regex_captures(const struct regex *r, struct view text, struct view *groups, size_t count);

/* As regex_captures with room for the whole match and all groups, from the arena; NULL without a
 * match. */
struct view *regex_captures_all(const struct regex *r, struct arena *arena, struct view text);

/*
 * The text of a template in Go's form: $1, ${1}, $name, ${name} are groups (empty when they are
 * none or took no part), $$ is a dollar sign, the name is as long as it can be ($1x is the group
 * "1x"), any other $ is itself. `groups` are all of r.
 */
struct view regex_expand(const struct regex *r, struct arena *arena, struct view template,
	const struct view *groups);

/*
 * The text of a template in the form of `rewrite`: "{n}" is group n, put in one after the other
 * from 0 on, each looked for in what the ones before have made. `count` groups, the whole match
 * included.
 */
struct view regex_fill(
	struct arena *arena, struct view template, const struct view *groups, size_t count);

#endif
