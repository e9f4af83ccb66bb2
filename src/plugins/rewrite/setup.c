/* From the words of the Corefile to rules: the mode, the field, and the fields with few words. */
#include "plugins/rewrite/rewrite.h"

#include "base/number.h"

enum { WORDS_MAX = 256, RCODE_LARGEST = 23 };

/* --- words --- */

struct view lower_word(struct arena *arena, struct view word)
{
	char *to = arena_string(arena, word);
	for (size_t i = 0; i < word.length; i++) {
		if (to[i] >= 'A' && to[i] <= 'Z')
			to[i] = (char)(to[i] + ('a' - 'A'));
	}
	return (struct view){ to, word.length };
}

struct view lower_name(struct arena *arena, struct view word)
{
	struct view lower = lower_word(arena, word);
	if (view_ends(lower, VIEW(".")))
		return lower;
	return view_of(arena_printf(arena, "%.*s.", VIEW_ARGS(lower)));
}

bool match_kind_read(struct view word, enum match_kind *kind)
{
	static const char *const names[] = {
		[MATCH_EXACT] = "exact",
		[MATCH_PREFIX] = "prefix",
		[MATCH_SUFFIX] = "suffix",
		[MATCH_SUBSTRING] = "substring",
		[MATCH_REGEX] = "regex",
	};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (view_equal_nocase(word, view_of(names[i]))) {
			*kind = (enum match_kind)i;
			return true;
		}
	}
	return false;
}

bool matcher_read(struct setup *s, struct matcher *m, enum match_kind kind, struct view word,
	const char **why)
{
	m->kind = kind;
	m->text = word;
	if (kind != MATCH_REGEX) {
		m->text = lower_name(s->arena, word);
		return true;
	}
	m->regex = regex_compile(s->arena, word, why);
	return m->regex;
}

/* The words of the line; where those are fewer than two also all words of the block, as if they
 * stood on the line. */
static size_t read_words(struct setup *s, struct view words[static WORDS_MAX])
{
	struct view *line;
	size_t count = args_rest(s, &line);
	const struct directive *d = s->directive;
	bool block = count < 2 && s->at + 1 < d->count && view_is(d->words[s->at + 1].text, "{") &&
		     !d->words[s->at + 1].quoted;
	count = count < WORDS_MAX ? count : WORDS_MAX;
	if (count)
		memcpy(words, line, count * sizeof *words);
	if (!block)
		return count;
	for (s->at += 2; s->at < d->count && count < WORDS_MAX; s->at++) {
		const struct word *w = &d->words[s->at];
		if (!w->quoted && view_is(w->text, "}"))
			break;
		words[count++] = w->text;
	}
	return count;
}

/* --- class and type --- */

static bool class_rule_read(
	struct setup *s, struct rule *rule, const struct view *words, size_t count)
{
	uint16_t *to[] = { &rule->from_number, &rule->to_number };
	if (count != 2)
		return setup_error_plain(s, "class rules must have exactly two arguments");
	for (size_t i = 0; i < 2; i++) {
		if (!class_parse(words[i], to[i]))
			return setup_error_plain(s, "invalid class \"%.*s\"", VIEW_ARGS(words[i]));
	}
	return true;
}

static bool type_rule_read(
	struct setup *s, struct rule *rule, const struct view *words, size_t count)
{
	uint16_t *to[] = { &rule->from_number, &rule->to_number };
	if (count != 2)
		return setup_error_plain(s, "type rules must have exactly two arguments");
	for (size_t i = 0; i < 2; i++) {
		if (!type_parse(words[i], to[i]))
			return setup_error_plain(s, "invalid type \"%.*s\"", VIEW_ARGS(words[i]));
	}
	return true;
}

/* --- ttl and rcode: [KIND] NAME and what the reply gets --- */

/* Reads [KIND] NAME for a rule of this field's name. */
static bool read_reply_matcher(struct setup *s, struct rule *rule, const char *field,
	const struct view *words, size_t count)
{
	enum match_kind kind = MATCH_EXACT;
	const char *why;
	struct view name = words[count - 1];
	if (count == 2 && !match_kind_read(words[0], &kind))
		return setup_error_plain(s,
			"%s rule supports only exact, prefix, suffix, substring, and regex name "
			"matching",
			field);
	if (kind == MATCH_REGEX && name.length > REGEX_PATTERN_MAX)
		return setup_error_plain(s, "regex pattern too long in a %s rule: %zu > %d", field,
			name.length, REGEX_PATTERN_MAX);
	if (!matcher_read(s, &rule->matcher, kind, name, &why))
		return setup_error_plain(
			s, "invalid regex pattern in a %s rule: %.*s", field, VIEW_ARGS(name));
	return true;
}

static void keep_change(struct setup *s, struct rule *rule, struct change c)
{
	struct change *kept = arena_new_object(s->arena, struct change);
	*kept = c;
	rule->changes = kept;
	rule->change_count = 1;
}

/* S, MIN-MAX, -MAX or MIN-. */
static bool ttl_range(struct view word, uint32_t *least, uint32_t *most)
{
	size_t dash = view_find(word, '-');
	uint64_t from = 0, to = INT32_MAX;
	struct view first = view_first(word, dash), second = { 0 };
	if (dash < word.length)
		second = view_skip(word, dash + 1);
	if (dash < word.length && word.length == 1)
		return false;
	if ((first.length || dash == word.length) && number_read(first, 10, UINT32_MAX, &from))
		return false;
	if (second.length && number_read(second, 10, UINT32_MAX, &to))
		return false;
	*least = (uint32_t)from;
	*most = dash == word.length ? *least : (uint32_t)to;
	return *least <= *most;
}

static bool ttl_rule_read(
	struct setup *s, struct rule *rule, const struct view *words, size_t count)
{
	struct change c = { .kind = CHANGE_TTL };
	if (count < 2)
		return setup_error_plain(s, "too few (%zu) arguments for a ttl rule", count);
	struct view ttl = count <= 3 ? words[count - 1] : VIEW("");
	if (!ttl_range(ttl, &c.least, &c.most))
		return setup_error_plain(s, "invalid TTL '%.*s' for a ttl rule", VIEW_ARGS(ttl));
	keep_change(s, rule, c);
	return read_reply_matcher(s, rule, "ttl", words, count - 1);
}

/* A number up to 23 or a mnemonic. */
static bool rcode_of(struct view word, uint32_t *rcode)
{
	uint64_t n;
	uint16_t named;
	if (number_read(word, 10, RCODE_LARGEST, &n) == NUMBER_GOOD) {
		*rcode = (uint32_t)n;
		return true;
	}
	bool known = rcode_parse(word, &named);
	*rcode = known ? named : 0;
	return known;
}

static bool rcode_rule_read(
	struct setup *s, struct rule *rule, const struct view *words, size_t count)
{
	struct change c = { .kind = CHANGE_RCODE };
	if (count < 3 || count > 4)
		return setup_error_plain(s, "too %s (%zu) arguments for a rcode rule",
			count < 3 ? "few" : "many", count);
	if (!rcode_of(words[count - 2], &c.least))
		return setup_error_plain(s, "invalid matching RCODE '%.*s' for a rcode rule",
			VIEW_ARGS(words[count - 2]));
	if (!rcode_of(words[count - 1], &c.most))
		return setup_error_plain(s, "invalid replacement RCODE '%.*s' for a rcode rule",
			VIEW_ARGS(words[count - 1]));
	keep_change(s, rule, c);
	return read_reply_matcher(s, rule, "rcode", words, count - 2);
}

/* --- cname --- */

static bool cname_rule_read(
	struct setup *s, struct rule *rule, const struct view *words, size_t count)
{
	enum match_kind kind = MATCH_EXACT;
	const char *why;
	if (count < 2 || count > 3)
		return setup_error_plain(s, "too few (%zu) arguments for a cname rule", count);
	if (count == 3 && !match_kind_read(words[0], &kind))
		return setup_error_plain(s, "unknown cname rewrite type: %.*s",
			VIEW_ARGS(lower_word(s->arena, words[0])));
	struct view from = lower_word(s->arena, words[count - 2]);
	if (kind == MATCH_REGEX && from.length > REGEX_PATTERN_MAX)
		return setup_error_plain(s, "regex pattern too long in a cname rule: %zu > %d",
			from.length, REGEX_PATTERN_MAX);
	if (!matcher_read(s, &rule->matcher, kind, from, &why))
		return setup_error_plain(s, "invalid cname rewrite regex pattern: %s", why);
	rule->to = lower_word(s->arena, words[count - 1]);
	if (kind == MATCH_EXACT)
		rule->to = lower_name(s->arena, rule->to);
	else if (kind != MATCH_REGEX)
		rule->matcher.text = from; /* as it is written: no final dot is added */
	keep_change(s, rule, (struct change){ .kind = CHANGE_CNAME, .rule = rule });
	return true;
}

/* --- the rule --- */

static const struct {
	const char *name;
	enum field field;
	bool (*read)(struct setup *s, struct rule *rule, const struct view *words, size_t count);
} fields[] = {
	{ "name", FIELD_NAME_RULE, name_rule_read },
	{ "class", FIELD_CLASS_RULE, class_rule_read },
	{ "type", FIELD_TYPE_RULE, type_rule_read },
	{ "edns0", FIELD_EDNS_RULE, edns_rule_read },
	{ "ttl", FIELD_TTL_RULE, ttl_rule_read },
	{ "rcode", FIELD_RCODE_RULE, rcode_rule_read },
	{ "cname", FIELD_CNAME_RULE, cname_rule_read },
};

static bool rule_read(struct setup *s, struct rule *rule, struct view first,
	const struct view *words, size_t count)
{
	if (view_equal_nocase(words[0], VIEW("answer")))
		return setup_error_plain(s, "response rewrites must begin with a name rule");
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		if (view_equal_nocase(words[0], view_of(fields[i].name))) {
			rule->field = fields[i].field;
			return fields[i].read(s, rule, words + 1, count - 1);
		}
	}
	return setup_error_plain(s, "invalid rule type \"%.*s\"", VIEW_ARGS(first));
}

bool rewrite_setup(struct setup *s)
{
	struct rewrite *w = s->state;
	struct view words[WORDS_MAX];
	size_t count = read_words(s, words);
	if (count == 0)
		return setup_error_plain(s, "no rule type specified for rewrite");
	bool goes_on = view_equal_nocase(words[0], VIEW("continue"));
	size_t mode = goes_on || view_equal_nocase(words[0], VIEW("stop"));
	if (count == mode)
		return setup_error_plain(
			s, "%s rule must begin with a rule type", goes_on ? "continue" : "stop");
	struct rule *rule = arena_new_object(s->arena, struct rule);
	rule->stops = !goes_on;
	if (!w->last)
		w->last = &w->rules;
	*w->last = rule;
	w->last = &rule->next;
	return rule_read(s, rule, words[0], words + mode, count - mode);
}
