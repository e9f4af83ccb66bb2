/* From the words of a directive to a template. */
#include "plugins/template/template.h"

#include "base/number.h"

/* Mnemonics count in upper case only. */
static bool is_mnemonic(struct view word)
{
	for (size_t i = 0; i < word.length; i++) {
		if (word.at[i] >= 'a' && word.at[i] <= 'z')
			return false;
	}
	return !view_starts(word, VIEW("TYPE")) && !view_starts(word, VIEW("CLASS"));
}

static bool read_class_and_type(struct setup *s, struct template *t)
{
	struct view word;
	if (!arg_need(s, &word))
		return false;
	if (!is_mnemonic(word) || !class_parse(word, &t->class))
		return setup_error(s, "invalid query class %.*s", VIEW_ARGS(word));
	if (!arg_need(s, &word))
		return false;
	if (!is_mnemonic(word) || !type_parse(word, &t->type))
		return setup_error(s, "invalid RR class %.*s", VIEW_ARGS(word));
	return true;
}

static void template_link(struct template_state *state, struct template *t)
{
	if (state->newest)
		state->newest->next = t;
	else
		state->templates = t;
	state->newest = t;
}

bool template_setup(struct setup *s)
{
	struct template *t = arena_new_object(s->arena, struct template);
	template_link(s->state, t);
	if (!read_class_and_type(s, t) || !args_zones(s, &t->zones, &t->zone_count))
		return false;
	t->zone_texts = arena_array(s->arena, t->zone_count, sizeof *t->zone_texts);
	for (size_t i = 0; i < t->zone_count; i++)
		t->zone_texts[i] = view_of(name_text(s->arena, t->zones[i]));
	return true;
}

static struct template *newest(struct setup *s)
{
	return ((struct template_state *)s->state)->newest;
}

/* The words of the line: at least one. */
static bool read_words(struct setup *s, struct view **words, size_t *count)
{
	*count = args_rest(s, words);
	return *count > 0 || setup_argument_error(s);
}

/* --- what matches --- */

static bool add_pattern(struct setup *s, struct view word)
{
	struct template *t = newest(s);
	const char *why;
	if (t->pattern_count == TEMPLATE_PATTERNS_MAX)
		return setup_error(s, "more than %d patterns", TEMPLATE_PATTERNS_MAX);
	if (word.length > REGEX_PATTERN_MAX)
		return setup_error(
			s, "regex pattern too long: %zu > %d", word.length, REGEX_PATTERN_MAX);
	struct regex *r = regex_compile(s->arena, word, &why);
	if (!r)
		return setup_error(s, "could not parse regex: %.*s, %s", VIEW_ARGS(word), why);
	t->patterns[t->pattern_count++] = r;
	return true;
}

static bool read_match(struct setup *s)
{
	struct view *words;
	size_t count;
	if (!read_words(s, &words, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!add_pattern(s, words[i]))
			return false;
	}
	return true;
}

static struct expression_scope scope_of(const struct template *t)
{
	return (struct expression_scope){ t->variables, t->variable_count, true };
}

static bool is_variable_name(struct view name)
{
	for (size_t i = 0; i < name.length; i++) {
		char c = name.at[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
		if (!letter && (i == 0 || c < '0' || c > '9'))
			return false;
	}
	return name.length > 0;
}

static bool is_declared(const struct template *t, struct view name)
{
	for (size_t i = 0; i < t->variable_count; i++) {
		if (view_equal(t->variables[i].name, name))
			return true;
	}
	return false;
}

static bool add_variable(struct setup *s, struct view name, struct view text)
{
	struct template *t = newest(s);
	struct expression_scope scope = scope_of(t);
	const char *why;
	if (is_declared(t, name))
		return setup_error(s, "variable name \"%.*s\" is reserved", VIEW_ARGS(name));
	if (t->variable_count == TEMPLATE_EXPRESSIONS_MAX)
		return setup_error(s, "more than %d variables", TEMPLATE_EXPRESSIONS_MAX);
	struct expression *e = expression_compile(s->arena, &scope, text, &why);
	if (!e)
		return setup_error(
			s, "could not compile expression: %.*s, %s", VIEW_ARGS(name), why);
	t->variables[t->variable_count] = (struct expression_variable){ name, expression_type(e) };
	t->variable_values[t->variable_count++] = e;
	return true;
}

static bool read_var(struct setup *s)
{
	struct view name;
	if (!arg_need(s, &name))
		return false;
	struct view text = args_joined(s);
	if (text.length == 0)
		return setup_argument_error(s);
	if (!is_variable_name(name))
		return setup_error(s, "invalid variable name \"%.*s\"", VIEW_ARGS(name));
	if (!expression_name_is_free(name))
		return setup_error(s, "variable name \"%.*s\" is reserved", VIEW_ARGS(name));
	return add_variable(s, name, text);
}

static bool read_expr(struct setup *s)
{
	struct template *t = newest(s);
	struct expression_scope scope = scope_of(t);
	struct view text = args_joined(s);
	const char *why;
	if (text.length == 0)
		return setup_argument_error(s);
	if (t->condition_count == TEMPLATE_EXPRESSIONS_MAX)
		return setup_error(s, "more than %d expressions", TEMPLATE_EXPRESSIONS_MAX);
	struct expression *e = expression_compile(s->arena, &scope, text, &why);
	if (!e)
		return setup_error(s, "could not compile expression: %s", why);
	t->conditions[t->condition_count++] = e;
	return true;
}

/* --- what is answered --- */

static bool read_records(struct setup *s, const char *name, enum section_id section)
{
	struct template_records *r = &newest(s)->sections[section];
	struct view *words;
	size_t count;
	if (!read_words(s, &words, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		const char *why;
		struct gotemplate *t = gotemplate_compile(s->arena, name, words[i], &why);
		if (!t)
			return setup_error(s, "could not compile template: %.*s, %s",
				VIEW_ARGS(words[count - 1]), why);
		r->records = arena_grow(
			s->arena, r->records, r->count, &r->capacity, sizeof(struct gotemplate *));
		r->records[r->count++] = t;
	}
	return true;
}

static bool read_answer(struct setup *s)
{
	return read_records(s, "answer", SECTION_ANSWER);
}

static bool read_additional(struct setup *s)
{
	return read_records(s, "additional", SECTION_ADDITIONAL);
}

static bool read_authority(struct setup *s)
{
	return read_records(s, "authority", SECTION_AUTHORITY);
}

static bool read_rcode(struct setup *s)
{
	struct view word;
	if (!arg_need(s, &word))
		return false;
	if (!is_mnemonic(word) || !rcode_parse(word, &newest(s)->rcode))
		return setup_error(s, "unknown rcode %.*s", VIEW_ARGS(word));
	return true;
}

static bool read_ederror(struct setup *s)
{
	struct template *t = newest(s);
	struct view *words;
	uint64_t code;
	size_t count = args_rest(s, &words);
	if (count != 1 && count != 2)
		return setup_argument_error(s);
	enum number_error error = number_read(words[0], 10, UINT16_MAX, &code);
	if (error)
		return setup_error(s,
			"error parsing extended DNS error code %.*s, strconv.ParseUint: parsing "
			"\"%.*s\": %s",
			VIEW_ARGS(words[count - 1]), VIEW_ARGS(words[0]), number_error_text(error));
	t->has_error = true;
	t->error_code = (uint16_t)code;
	t->error_text = count == 2 ? words[1] : VIEW("");
	return true;
}

static bool read_fallthrough(struct setup *s)
{
	return args_fallthrough(s, &newest(s)->fallthrough);
}

/* Of old Corefiles: what it said is always done. */
static bool read_upstream(struct setup *s)
{
	struct view *words;
	args_rest(s, &words);
	return true;
}

const struct option template_options[] = {
	{ "match", "REGEX...", ".*", "patterns for the name, the first that fits counts",
		read_match },
	{ "var", "NAME EXPRESSION", NULL, "a value for later expressions and for .Var.NAME",
		read_var },
	{ "expr", "EXPRESSION", NULL, "must be true, too, for the template to match", read_expr },
	{ "answer", "RR...", NULL, "records of the answer section, as templates", read_answer },
	{ "additional", "RR...", NULL, "records of the additional section", read_additional },
	{ "authority", "RR...", NULL, "records of the authority section", read_authority },
	{ "rcode", "CODE", "NOERROR", "the reply's code; SERVFAIL is answered without records",
		read_rcode },
	{ "ederror", "CODE [REASON]", NULL, "an extended error (RFC 8914) for the reply",
		read_ederror },
	{ "fallthrough", "[ZONES...]", NULL,
		"goes on to the next template or plugin when nothing matches, instead of SERVFAIL",
		read_fallthrough },
	{ "upstream", NULL, NULL, "accepted, and does nothing", read_upstream },
	{ 0 },
};
