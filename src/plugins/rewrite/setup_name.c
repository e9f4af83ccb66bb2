/* Rules for names: name [KIND] FROM TO [ANSWER...]. */
#include "plugins/rewrite/rewrite.h"

#include <ctype.h>
#include <stdio.h>

enum { CHANGES_MAX = 64, GROUPS_CHECKED = 101 };

static const char *kind_name(enum match_kind kind)
{
	static const char *const names[] = { "exact", "prefix", "suffix", "substring", "regex" };
	return names[kind];
}

/* How many different places {0} to {100} a text has. */
static size_t places(struct view text)
{
	size_t count = 0;
	for (unsigned i = 0; i < GROUPS_CHECKED; i++) {
		char place[8];
		int length = snprintf(place, sizeof place, "{%u}", i);
		count += memmem(text.at, text.length, place, (size_t)length) != NULL;
	}
	return count;
}

/* A pattern and the text with its groups; NULL with *why. */
static struct regex *pattern_read(
	struct setup *s, struct view from, struct view to, const char **why)
{
	if (from.length > REGEX_PATTERN_MAX) {
		*why = arena_printf(s->arena, "regex pattern too long: %zu > %d", from.length,
			REGEX_PATTERN_MAX);
		return NULL;
	}
	struct regex *r = regex_compile(s->arena, from, why);
	if (!r) {
		*why = arena_printf(
			s->arena, "invalid regex matching pattern: %.*s", VIEW_ARGS(from));
		return NULL;
	}
	if (places(to) <= regex_groups(r))
		return r;
	*why = arena_printf(s->arena,
		"the rewrite regex pattern (%.*s) uses more subexpressions than its corresponding "
		"matching regex pattern (%.*s)",
		VIEW_ARGS(to), VIEW_ARGS(from));
	return NULL;
}

/* --- answer options --- */

/* The words behind FROM and TO, and what they have come to. */
struct answers {
	const struct view *words;
	size_t count, at;
	bool automatic, has_name;
	struct change changes[CHANGES_MAX];
	size_t change_count;
};

static bool take(struct answers *a, struct view *word)
{
	if (a->at == a->count)
		return false;
	*word = a->words[a->at++];
	return true;
}

/* "name FROM TO" or "value FROM TO". */
static bool read_pattern(struct setup *s, struct answers *a, const char *kind, struct view type)
{
	struct view from, to;
	const char *why;
	bool owner = view_is(type, "name");
	if (!take(a, &from) || !take(a, &to))
		return setup_error_plain(s, "%.*s answer rule for %s rule: 2 arguments required",
			VIEW_ARGS(type), kind);
	struct regex *r = pattern_read(s, from, to, &why);
	if (!r)
		return setup_error_plain(
			s, "%.*s answer rule for %s rule: %s", VIEW_ARGS(type), kind, why);
	if (a->change_count == CHANGES_MAX)
		return setup_error_plain(s, "more than %d answer rules", CHANGES_MAX);
	a->changes[a->change_count++] = (struct change){ .kind = CHANGE_PATTERN,
		.owner = owner,
		.value = !owner,
		.regex = r,
		.to_text = lower_name(s->arena, to) };
	a->has_name = a->has_name || owner;
	return true;
}

/* [answer] auto | name FROM TO | value FROM TO; the first one has its word "answer". */
static bool read_answer(struct setup *s, struct answers *a, const char *kind, bool first)
{
	struct view type;
	bool named = view_is(a->words[a->at], "answer");
	if (first && !named)
		return setup_error_plain(s,
			"exceeded the number of arguments for a non-answer rule argument for %s "
			"rule",
			kind);
	a->at += named;
	if (!take(a, &type))
		return setup_error_plain(s, "type missing for answer rule for %s rule", kind);
	if (view_is(type, "auto"))
		return a->automatic = true;
	if (view_is(type, "name") || view_is(type, "value"))
		return read_pattern(s, a, kind, type);
	return setup_error_plain(
		s, "invalid type \"%.*s\" for answer rule for %s rule", VIEW_ARGS(type), kind);
}

static bool read_answers(struct setup *s, struct answers *a, const char *kind)
{
	if (a->count == 0)
		return true;
	if (a->count < 2)
		return setup_error_plain(s, "invalid arguments for %s rule", kind);
	while (a->at < a->count) {
		if (!read_answer(s, a, kind, a->at == 0))
			return false;
	}
	if (a->automatic && a->has_name)
		return setup_error_plain(s,
			"auto name answer rule cannot be combined with explicit name anwer rules");
	return true;
}

/* --- the rule --- */

static void keep_changes(struct setup *s, struct rule *rule, const struct answers *a)
{
	bool suffix = rule->matcher.kind == MATCH_SUFFIX && a->automatic;
	struct change *kept = arena_array(s->arena, a->change_count + suffix, sizeof *kept);
	if (suffix)
		kept[0] = (struct change){ .kind = CHANGE_SUFFIX,
			.owner = true,
			.value = true,
			.from_text = rule->to,
			.to_text = rule->matcher.text };
	if (a->change_count)
		memcpy(kept + suffix, a->changes, a->change_count * sizeof *kept);
	rule->changes = kept;
	rule->change_count = a->change_count + suffix;
	rule->remaps = rule->matcher.kind == MATCH_EXACT ||
		       (a->automatic && rule->matcher.kind != MATCH_SUFFIX);
}

/* Whether a text is so plain that it is a pattern, and has no place for groups, whatever the
 * engine. */
static bool is_plain(struct view text)
{
	for (size_t i = 0; i < text.length; i++) {
		char c = text.at[i];
		if (!isalnum((unsigned char)c) && c != '.' && c != '-' && c != '_')
			return false;
	}
	return true;
}

/* As CoreDNS has it, the new name of an exact rule must be a pattern, too. Plain names are: for
 * them the engine is not loaded. */
static bool exact_name_is_pattern(struct setup *s, const struct rule *rule)
{
	const char *why;
	if (is_plain(rule->to) && is_plain(rule->matcher.text))
		return true;
	return pattern_read(s, rule->to, rule->matcher.text, &why) ||
	       setup_error_plain(s, "%s", why);
}

static bool read_matcher(
	struct setup *s, struct rule *rule, enum match_kind kind, struct view from, struct view to)
{
	const char *why;
	rule->to = lower_name(s->arena, to);
	if (kind != MATCH_REGEX) {
		matcher_read(s, &rule->matcher, kind, from, &why);
		return kind != MATCH_EXACT || exact_name_is_pattern(s, rule);
	}
	rule->matcher = (struct matcher){ MATCH_REGEX, from, pattern_read(s, from, to, &why) };
	return rule->matcher.regex || setup_error_plain(s, "%s", why);
}

bool name_rule_read(struct setup *s, struct rule *rule, const struct view *words, size_t count)
{
	enum match_kind kind = MATCH_EXACT;
	bool has_kind = count > 2;
	if (count < 2)
		return setup_error_plain(s, "too few arguments for a name rule");
	if (has_kind && !match_kind_read(words[0], &kind))
		return setup_error_plain(s,
			"name rule supports only exact, prefix, suffix, substring, and regex name "
			"matching, "
			"received: %.*s",
			VIEW_ARGS(lower_word(s->arena, words[0])));
	words += has_kind;
	count -= has_kind;
	struct answers *a = arena_new_object(s->arena, struct answers);
	a->words = words + 2;
	a->count = count - 2;
	if (!read_answers(s, a, kind_name(kind)) ||
		!read_matcher(s, rule, kind, words[0], words[1]))
		return false;
	keep_changes(s, rule, a);
	return true;
}
