/* The language's functions on texts. Letters are ASCII's: names and the like have no others in
 * their text form. */
#include "server/expression/functions.h"

#include "base/encoding.h"
#include "base/utf8.h"

/* --- ends --- */

static bool in_set(struct view set, char c)
{
	return view_find(set, c) < set.length;
}

static bool trim(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)r;
	struct view text = v[0].text, set = count == 2 ? v[1].text : VIEW(" \t\n\v\f\r");
	while (text.length && in_set(set, text.at[0]))
		text = view_skip(text, 1);
	while (text.length && in_set(set, text.at[text.length - 1]))
		text.length--;
	*to = value_text(text);
	return true;
}

static bool trim_prefix(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)r;
	struct view prefix = count == 2 ? v[1].text : VIEW(" ");
	*to = value_text(
		view_starts(v[0].text, prefix) ? view_skip(v[0].text, prefix.length) : v[0].text);
	return true;
}

static bool trim_suffix(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)r;
	struct view suffix = count == 2 ? v[1].text : VIEW(" ");
	*to = value_text(view_ends(v[0].text, suffix)
				 ? view_first(v[0].text, v[0].text.length - suffix.length)
				 : v[0].text);
	return true;
}

static bool has_prefix(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)r, (void)count;
	*to = value_bool(view_starts(v[0].text, v[1].text));
	return true;
}

static bool has_suffix(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)r, (void)count;
	*to = value_bool(view_ends(v[0].text, v[1].text));
	return true;
}

/* --- letters --- */

static bool change_letters(struct run *r, struct view text, char first, char last, struct value *to)
{
	char *made = run_octets(r, text.length);
	if (!made)
		return false;
	for (size_t i = 0; i < text.length; i++) {
		char c = text.at[i];
		made[i] = c >= first && c <= last ? (char)(c ^ 0x20) : c;
	}
	*to = value_text((struct view){ made, text.length });
	return true;
}

static bool upper(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	return change_letters(r, v[0].text, 'a', 'z', to);
}

static bool lower(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	return change_letters(r, v[0].text, 'A', 'Z', to);
}

/* --- finding --- */

/* Where `part` first is in text; text.length + 1 if nowhere. */
static size_t find(struct view text, struct view part)
{
	if (part.length == 0)
		return 0;
	const char *at = memmem(text.at, text.length, part.at, part.length);
	return at ? (size_t)(at - text.at) : text.length + 1;
}

static bool index_of(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)r, (void)count;
	size_t at = find(v[0].text, v[1].text);
	*to = value_int(at <= v[0].text.length ? (int64_t)at : -1);
	return true;
}

static bool last_index_of(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	struct view text = v[0].text, part = v[1].text;
	*to = value_int(-1);
	if (part.length > text.length || !run_spend(r, text.length / 16))
		return !r->error;
	for (size_t at = text.length - part.length + 1; at-- > 0;) {
		if (view_starts(view_skip(text, at), part)) {
			*to = value_int((int64_t)at);
			break;
		}
	}
	return true;
}

/* --- splitting and joining --- */

/* The next piece's end, for split: in front of the next separator or behind one character; false
 * when the rest is one piece. */
static bool piece_end(struct view text, struct view separator, size_t *end)
{
	if (separator.length == 0) {
		uint32_t code;
		size_t octets = utf8_decode(text, &code);
		*end = octets ? octets : 1;
		return *end < text.length;
	}
	*end = find(text, separator);
	return *end <= text.length;
}

static size_t count_pieces(struct view text, struct view separator, size_t most)
{
	size_t count = 1, end;
	while (count < most && piece_end(text, separator, &end)) {
		text = view_skip(text, end + separator.length);
		count++;
	}
	return count;
}

static bool split_into(
	struct run *r, const struct value *v, size_t count, bool keep, struct value *to)
{
	struct view text = v[0].text, separator = v[1].text;
	size_t most = count < 3 || v[2].integer < 0 ? SIZE_MAX : (size_t)v[2].integer;
	if (most == 0 || (text.length == 0 && separator.length == 0)) {
		*to = value_array(NULL, 0);
		return true;
	}
	size_t pieces = count_pieces(text, separator, most);
	struct value *items = run_values(r, pieces);
	if (!items || !run_spend(r, pieces))
		return false;
	for (size_t i = 0; i + 1 < pieces; i++) {
		size_t end;
		piece_end(text, separator, &end);
		items[i] = value_text(view_first(text, end + (keep ? separator.length : 0)));
		text = view_skip(text, end + separator.length);
	}
	items[pieces - 1] = value_text(text);
	*to = value_array(items, pieces);
	return true;
}

static bool split(struct run *r, const struct value *v, size_t count, struct value *to)
{
	return split_into(r, v, count, false, to);
}

static bool split_after(struct run *r, const struct value *v, size_t count, struct value *to)
{
	return split_into(r, v, count, true, to);
}

static bool joined_length(struct run *r, const struct value *list, struct view glue, size_t *length)
{
	*length = 0;
	for (size_t i = 0; i < list->list.count; i++) {
		const struct value *item = &list->list.items[i];
		if (item->kind != VALUE_STRING)
			return run_fail(r, "cannot join %s", value_kind_name(item->kind));
		*length += item->text.length + (i ? glue.length : 0);
		if (*length > EXPRESSION_MEMORY_MAX)
			return run_fail(r, "memory budget exceeded");
	}
	return run_spend(r, list->list.count);
}

static char *put(char *to, struct view v)
{
	if (v.length)
		memcpy(to, v.at, v.length);
	return to + v.length;
}

static bool join(struct run *r, const struct value *v, size_t count, struct value *to)
{
	struct view glue = count == 2 ? v[1].text : VIEW("");
	size_t length;
	char *made = joined_length(r, &v[0], glue, &length) ? run_octets(r, length) : NULL;
	if (!made)
		return false;
	char *end = made;
	for (size_t i = 0; i < v[0].list.count; i++) {
		if (i)
			end = put(end, glue);
		end = put(end, v[0].list.items[i].text);
	}
	*to = value_text((struct view){ made, length });
	return true;
}

static bool repeat(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	struct view text = v[0].text;
	int64_t times = v[1].integer;
	if (times < 0)
		return run_fail(r,
			"invalid argument for repeat (expected positive integer, got %lld)",
			(long long)times);
	if (text.length && (uint64_t)times > EXPRESSION_MEMORY_MAX / text.length)
		return run_fail(r, "memory budget exceeded");
	size_t length = text.length * (size_t)times;
	char *made = run_octets(r, length), *end = made;
	if (!made)
		return false;
	for (size_t done = 0; done < length; done += text.length)
		end = put(end, text);
	*to = value_text((struct view){ made, length });
	return true;
}

/* An empty `old` is found in front of each octet and at the end. */
static bool replace(struct run *r, const struct value *v, size_t count, struct value *to)
{
	struct view rest = v[0].text, old = v[1].text;
	uint64_t left = count == 4 && v[3].integer >= 0 ? (uint64_t)v[3].integer : UINT64_MAX;
	struct arena_text made = { .arena = r->arena, .limit = EXPRESSION_MEMORY_MAX - r->memory };
	for (size_t at = find(rest, old); left-- > 0 && at <= rest.length; at = find(rest, old)) {
		size_t kept = old.length ? at : rest.length ? 1 : 0;
		if (old.length == 0)
			arena_text_add(&made, v[2].text);
		arena_text_add(&made, view_first(rest, kept));
		if (old.length)
			arena_text_add(&made, v[2].text);
		bool last = old.length == 0 && rest.length == 0;
		rest = view_skip(rest, kept + old.length);
		if (last || !run_spend(r, 1))
			break;
	}
	arena_text_add(&made, rest);
	r->memory += made.length;
	*to = value_text(arena_text_view(&made));
	return made.cut ? run_fail(r, "memory budget exceeded") : !r->error;
}

static bool string(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	struct arena_text made = { .arena = r->arena, .limit = EXPRESSION_MEMORY_MAX - r->memory };
	value_print(&made, &v[0]);
	r->memory += made.length;
	*to = value_text(arena_text_view(&made));
	return made.cut ? run_fail(r, "memory budget exceeded") : true;
}

/* --- as text of other kinds --- */

static bool to_base64(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	char *made = run_octets(r, (v[0].text.length + 2) / 3 * 4);
	if (!made)
		return false;
	*to = value_text((struct view){ made, base64_encode(v[0].text, made) });
	return true;
}

static bool from_base64(struct run *r, const struct value *v, size_t count, struct value *to)
{
	(void)count;
	struct decoding d = { .room = v[0].text.length / 4 * 3 };
	char *made = run_octets(r, d.room);
	if (!made)
		return false;
	d.to = (uint8_t *)made;
	if (!base64_decode(&d, v[0].text) || !base64_decoded(&d))
		return run_fail(r, "illegal base64 data");
	*to = value_text((struct view){ made, d.length });
	return true;
}

const struct function text_functions[] = {
	{ "trim", "s?s", result_string, trim },
	{ "trimPrefix", "s?s", result_string, trim_prefix },
	{ "trimSuffix", "s?s", result_string, trim_suffix },
	{ "hasPrefix", "ss", result_bool, has_prefix },
	{ "hasSuffix", "ss", result_bool, has_suffix },
	{ "upper", "s", result_string, upper },
	{ "lower", "s", result_string, lower },
	{ "indexOf", "ss", result_int, index_of },
	{ "lastIndexOf", "ss", result_int, last_index_of },
	{ "split", "ss?i", result_strings, split },
	{ "splitAfter", "ss?i", result_strings, split_after },
	{ "join", "a?s", result_string, join },
	{ "repeat", "si", result_string, repeat },
	{ "replace", "sss?i", result_string, replace },
	{ "string", "v", result_string, string },
	{ "toBase64", "s", result_string, to_base64 },
	{ "fromBase64", "s", result_string, from_base64 },
	{ 0 },
};
