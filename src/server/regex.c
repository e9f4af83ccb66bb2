/* Compiling and matching, on the engine of the module; where Go's syntax and RE2's part, Go's is
 * what counts. */
#include "server/regex.h"

#include "server/regex_module.h"

struct regex {
	const struct regex_engine *engine;
	void *compiled;
	struct view pattern;
	size_t groups;
};

/* Go's words for each fault, as it prints them. */
static const char *const fault_texts[] = {
	[REGEX_FAULT_INTERNAL] = "regexp/syntax: internal error",
	[REGEX_FAULT_ESCAPE] = "invalid escape sequence",
	[REGEX_FAULT_CLASS] = "invalid character class",
	[REGEX_FAULT_RANGE] = "invalid character class range",
	[REGEX_FAULT_BRACKET] = "missing closing ]",
	[REGEX_FAULT_PAREN] = "missing closing )",
	[REGEX_FAULT_UNEXPECTED_PAREN] = "unexpected )",
	[REGEX_FAULT_BACKSLASH] = "trailing backslash at end of expression",
	[REGEX_FAULT_REPEAT_ARGUMENT] = "missing argument to repetition operator",
	[REGEX_FAULT_REPEAT_SIZE] = "invalid repeat count",
	[REGEX_FAULT_REPEAT_OPERATOR] = "invalid nested repetition operator",
	[REGEX_FAULT_PERL] = "invalid or unsupported Perl syntax",
	[REGEX_FAULT_UTF8] = "invalid UTF-8",
	[REGEX_FAULT_NAME] = "invalid named capture",
	[REGEX_FAULT_TOO_LARGE] = "expression too large",
};

static const char *fault_text(struct arena *arena, enum regex_fault fault, struct view part)
{
	return arena_printf(
		arena, "error parsing regexp: %s: `%.*s`", fault_texts[fault], VIEW_ARGS(part));
}

/* A walk over a pattern, part by part: a character, an escape, a quoted run. */
struct pattern_walk {
	struct view rest;
	bool in_class, class_begins; /* between [ and ]; the next ] is a member */
};

/* Octets of the escape at the walk's place: "\x", or a whole \Q...\E. */
static size_t escape_length(struct view rest)
{
	if (rest.length < 2 || rest.at[1] != 'Q')
		return rest.length < 2 ? rest.length : 2;
	for (size_t i = 2; i + 1 < rest.length; i++) {
		if (rest.at[i] == '\\' && rest.at[i + 1] == 'E')
			return i + 2;
	}
	return rest.length;
}

static size_t walk_class(struct pattern_walk *w)
{
	bool first = w->class_begins;
	w->class_begins = false;
	if (w->rest.at[0] == ']' && !first)
		w->in_class = false;
	if (view_starts(w->rest, VIEW("[:"))) {
		size_t end = 2 + view_find(view_skip(w->rest, 2), ':');
		if (end + 1 < w->rest.length && w->rest.at[end + 1] == ']')
			return end + 2;
	}
	return 1;
}

/* The next part of the pattern; empty at its end. */
static struct view walk_next(struct pattern_walk *w)
{
	size_t length = 1;
	if (w->rest.length == 0)
		return w->rest;
	if (w->rest.at[0] == '\\') {
		length = escape_length(w->rest);
		w->class_begins = false;
	} else if (w->in_class) {
		length = walk_class(w);
	} else if (w->rest.at[0] == '[') {
		length = view_starts(w->rest, VIEW("[^")) ? 2 : 1;
		w->in_class = w->class_begins = true;
	}
	struct view part = view_first(w->rest, length);
	w->rest = view_skip(w->rest, length);
	return part;
}

/* Whether a group with a name in the short form begins here: (?<name>, but not the look-behinds
 * (?<= and (?<!. */
static bool is_short_name(struct view rest)
{
	return rest.length > 3 && memcmp(rest.at, "(?<", 3) == 0 && rest.at[3] != '=' &&
	       rest.at[3] != '!';
}

/* The pattern for RE2, with (?<name> in the one form that it knows; *bare_octet is set by a \C,
 * which Go refuses. */
static struct view for_engine(struct arena *arena, struct view pattern, bool *bare_octet)
{
	uint8_t *to = arena_octets(arena, 2 * pattern.length + 1);
	size_t length = 0;
	struct pattern_walk w = { .rest = pattern };
	for (;;) {
		bool names = !w.in_class && is_short_name(w.rest);
		struct view part = walk_next(&w);
		if (part.length == 0)
			return (struct view){ (const char *)to, length };
		*bare_octet = *bare_octet || view_equal(part, VIEW("\\C"));
		memcpy(to + length, part.at, part.length);
		length += part.length;
		if (names) {
			walk_next(&w);
			to[length++] = '?';
			to[length++] = 'P';
		}
	}
}

static void release(void *data)
{
	struct regex *r = data;
	r->engine->release(r->compiled);
}

struct regex *regex_compile(struct arena *arena, struct view pattern, const char **why)
{
	if (pattern.length > REGEX_PATTERN_MAX) {
		*why = arena_printf(arena, "regex pattern too long: %zu > %d", pattern.length,
			REGEX_PATTERN_MAX);
		return NULL;
	}
	const struct regex_engine *engine = regex_engine_load(arena, why);
	if (!engine)
		return NULL;
	bool bare_octet = false;
	struct view given = for_engine(arena, pattern, &bare_octet);
	if (bare_octet) {
		*why = fault_text(arena, REGEX_FAULT_ESCAPE, VIEW("\\C"));
		return NULL;
	}
	char part[REGEX_PATTERN_MAX + 1];
	enum regex_fault fault;
	void *compiled = engine->compile(given, &fault, part, sizeof part);
	if (!compiled) {
		struct view at_fault = view_of(part);
		*why = fault_text(arena, fault, view_equal(at_fault, given) ? pattern : at_fault);
		return NULL;
	}
	struct regex *r = arena_new_object(arena, struct regex);
	*r = (struct regex){ engine, compiled, arena_copy(arena, pattern),
		engine->groups(compiled) };
	arena_on_free(arena, release, r);
	return r;
}

struct view regex_pattern(const struct regex *r)
{
	return r->pattern;
}

size_t regex_groups(const struct regex *r)
{
	return r->groups;
}

struct view regex_group_name(const struct regex *r, size_t group)
{
	return view_of(r->engine->group_name(r->compiled, group));
}

bool regex_matches(const struct regex *r, struct view text)
{
	return r->engine->search(r->compiled, text, NULL, 0);
}

/* Asking for groups is the dear part: it is done only where there is a match. */
bool regex_captures(const struct regex *r, struct view text, struct view *groups, size_t count)
{
	size_t known = count < r->groups + 1 ? count : r->groups + 1;
	for (size_t i = known; i < count; i++)
		groups[i] = (struct view){ 0 };
	return regex_matches(r, text) && r->engine->search(r->compiled, text, groups, known);
}

struct view *regex_captures_all(const struct regex *r, struct arena *arena, struct view text)
{
	if (!regex_matches(r, text))
		return NULL;
	struct view *groups = arena_array(arena, r->groups + 1, sizeof *groups);
	return r->engine->search(r->compiled, text, groups, r->groups + 1) ? groups : NULL;
}
