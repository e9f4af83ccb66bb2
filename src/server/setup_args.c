/* The words of a directive, one after the other, with CoreDNS's words for what is wrong with them.
 */
#include "base/arena_text.h"
#include "base/number.h"
#include "server/block.h"
#include "server/process/core_dump.h"
#include "server/setup.h"

#include <errno.h>

/* --- errors --- */

static const struct word *last_word(const struct setup *s)
{
	return &s->directive->words[s->at];
}

bool setup_error(struct setup *s, const char *format, ...)
{
	const struct word *w = last_word(s);
	va_list args;
	va_start(args, format);
	const char *text = arena_vprintf(s->complaints->arena, format, args);
	va_end(args);
	complain(s->complaints, false, w->file, w->line,
		"plugin/%s: %s:%u - Error during parsing: %s", s->self->type->name, w->file,
		w->line, text);
	return false;
}

bool setup_error_plain(struct setup *s, const char *format, ...)
{
	const struct word *w = last_word(s);
	va_list args;
	va_start(args, format);
	const char *text = arena_vprintf(s->complaints->arena, format, args);
	va_end(args);
	complain(
		s->complaints, false, w->file, w->line, "plugin/%s: %s", s->self->type->name, text);
	return false;
}

void setup_secret(const struct setup *s)
{
	if (!s->checking)
		core_dump_forbid();
}

void setup_warning(struct setup *s, const char *format, ...)
{
	const struct word *w = last_word(s);
	va_list args;
	va_start(args, format);
	const char *text = arena_vprintf(s->complaints->arena, format, args);
	va_end(args);
	complain(s->complaints, true, w->file, w->line, "plugin/%s: %s", s->self->type->name, text);
}

bool setup_argument_error(struct setup *s)
{
	struct view text = last_word(s)->text;
	if (view_is(text, "{"))
		return setup_error(s, "Unexpected token '{', expecting argument");
	return setup_error(
		s, "Wrong argument count or unexpected line ending after '%.*s'", VIEW_ARGS(text));
}

/* --- words --- */

/* A '}' ends a line as the line's end does, so that `{ force_tcp }` may be one line; a quoted one
 * is a word. */
static bool line_goes_on(const struct setup *s)
{
	if (s->at + 1 >= s->directive->count)
		return false;
	const struct word *next = &s->directive->words[s->at + 1];
	return !next->first && (next->quoted || !view_is(next->text, "}"));
}

bool arg_next(struct setup *s, struct view *word)
{
	if (!line_goes_on(s))
		return false;
	*word = s->directive->words[++s->at].text;
	return true;
}

bool arg_need(struct setup *s, struct view *word)
{
	return arg_next(s, word) || setup_argument_error(s);
}

static bool argument_follows(const struct setup *s)
{
	return line_goes_on(s) && !view_is(s->directive->words[s->at + 1].text, "{");
}

bool arg_end(struct setup *s)
{
	if (!argument_follows(s))
		return true;
	s->at++;
	return setup_argument_error(s);
}

size_t args_rest(struct setup *s, struct view **words)
{
	size_t start = s->at + 1, count = 0;
	while (argument_follows(s)) {
		s->at++;
		count++;
	}
	*words = arena_array(s->arena, count, sizeof **words);
	for (size_t i = 0; i < count; i++)
		(*words)[i] = s->directive->words[start + i].text;
	return count;
}

struct view args_joined(struct setup *s)
{
	struct view *words;
	size_t count = args_rest(s, &words);
	struct arena_text joined = { .arena = s->arena, .limit = SIZE_MAX };
	for (size_t i = 0; i < count; i++) {
		if (i)
			arena_text_add_char(&joined, ' ');
		arena_text_add(&joined, words[i]);
	}
	return arena_text_view(&joined);
}

/* --- numbers --- */

static bool number_error(
	struct setup *s, const char *function, struct view word, enum number_error error)
{
	return setup_error_plain(s, "strconv.%s: parsing \"%.*s\": %s", function, VIEW_ARGS(word),
		number_error_text(error));
}

bool arg_integer(struct setup *s, int64_t *n)
{
	struct view word = { 0 };
	uint64_t size = 0;
	if (!arg_need(s, &word))
		return false;
	bool negative = word.length && word.at[0] == '-';
	bool sign = negative || (word.length && word.at[0] == '+');
	enum number_error error =
		number_read(view_skip(word, sign), 10, (uint64_t)INT64_MAX + negative, &size);
	if (error)
		return number_error(s, "Atoi", word, error);
	*n = negative ? (int64_t)(0 - size) : (int64_t)size;
	return true;
}

bool arg_unsigned(struct setup *s, uint32_t *n)
{
	struct view word = { 0 };
	uint64_t value = 0;
	if (!arg_need(s, &word))
		return false;
	enum number_error error = number_read(word, 10, UINT32_MAX, &value);
	if (error)
		return number_error(s, "ParseUint", word, error);
	*n = (uint32_t)value;
	return true;
}

bool arg_duration(struct setup *s, int64_t *ns)
{
	struct view word = { 0 };
	const char *why;
	if (!arg_need(s, &word))
		return false;
	return duration_parse(s->complaints->arena, word, ns, &why) ||
	       setup_error_plain(s, "%s", why);
}

/* --- zones --- */

void words_zones(struct setup *s, const struct view *words, size_t words_count,
	struct name **zones, size_t *count)
{
	struct name **lists = arena_array(s->arena, words_count, sizeof(void *));
	size_t *counts = arena_array(s->arena, words_count, sizeof *counts);
	*count = 0;
	for (size_t i = 0; i < words_count; i++) {
		counts[i] = corefile_zones(s->arena, words[i], &lists[i]);
		if (!counts[i])
			setup_warning(
				s, "'%.*s' is not a zone: it is left out", VIEW_ARGS(words[i]));
		*count += counts[i];
	}
	*zones = arena_array(s->arena, *count, sizeof **zones);
	size_t at = 0;
	for (size_t i = 0; i < words_count; at += counts[i++]) {
		if (counts[i])
			memcpy(*zones + at, lists[i], counts[i] * sizeof **zones);
	}
}

bool args_zones(struct setup *s, struct name **zones, size_t *count)
{
	struct view *words;
	size_t words_count = args_rest(s, &words);
	if (words_count) {
		words_zones(s, words, words_count, zones, count);
		return true;
	}
	*count = s->block->zone_count;
	*zones = arena_array(s->arena, *count, sizeof **zones);
	if (*count)
		memcpy(*zones, s->block->zones, *count * sizeof **zones);
	return true;
}

bool args_fallthrough(struct setup *s, struct fallthrough *f)
{
	struct view *words;
	size_t words_count = args_rest(s, &words);
	if (words_count) {
		words_zones(s, words, words_count, &f->zones, &f->count);
		return true;
	}
	f->zones = arena_new_object(s->arena, struct name);
	f->zones[0] = name_root;
	f->count = 1;
	return true;
}

const char *block_path(const struct block *b, struct arena *a, struct view path)
{
	if (!b->root || (path.length && path.at[0] == '/'))
		return arena_string(a, path);
	return arena_printf(a, "%s/%.*s", b->root, VIEW_ARGS(path));
}
