/* Putting groups into a text: Go's way with $, and the way of `rewrite` with {n}. */
#include "server/regex.h"

#include "base/arena_text.h"

static bool is_name_octet(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_' || (unsigned char)c >= 0x80;
}

/* Takes the name behind a $ off `rest`: name or {name}. False, with nothing taken, when there is
 * none. */
static bool take_name(struct view *rest, struct view *name)
{
	struct view v = *rest;
	bool braced = v.length > 0 && v.at[0] == '{';
	if (braced)
		v = view_skip(v, 1);
	size_t length = 0;
	while (length < v.length && is_name_octet(v.at[length]))
		length++;
	*name = view_first(v, length);
	v = view_skip(v, length);
	if (length == 0 || (braced && (v.length == 0 || v.at[0] != '}')))
		return false;
	*rest = view_skip(v, braced ? 1 : 0);
	return true;
}

/* A number in a name is a group's, but for one with leading zeros. */
static bool is_group_number(struct view name, uint64_t *number)
{
	return (name.length == 1 || name.at[0] != '0') && view_unsigned(name, 99999999, number);
}

/* Of several groups with one name the first that took part counts. */
static struct view group_called(const struct regex *r, const struct view *groups, struct view name)
{
	uint64_t number;
	if (is_group_number(name, &number))
		return number <= regex_groups(r) ? groups[number] : (struct view){ 0 };
	for (size_t i = 1; i <= regex_groups(r); i++) {
		if (groups[i].at && view_equal(regex_group_name(r, i), name))
			return groups[i];
	}
	return (struct view){ 0 };
}

struct view regex_expand(
	const struct regex *r, struct arena *arena, struct view template, const struct view *groups)
{
	struct arena_text e = { .arena = arena, .limit = REGEX_EXPANSION_MAX };
	struct view rest = template, name;
	for (;;) {
		size_t dollar = view_find(rest, '$');
		arena_text_add(&e, view_first(rest, dollar));
		if (dollar == rest.length)
			return arena_text_view(&e);
		rest = view_skip(rest, dollar + 1);
		if (rest.length > 0 && rest.at[0] == '$') {
			arena_text_add(&e, VIEW("$"));
			rest = view_skip(rest, 1);
		} else if (take_name(&rest, &name)) {
			arena_text_add(&e, group_called(r, groups, name));
		} else {
			arena_text_add(&e, VIEW("$"));
		}
	}
}

/* `text` with every occurrence of `from` replaced. */
static struct view replace_all(
	struct arena *arena, struct view text, struct view from, struct view by)
{
	struct arena_text e = { .arena = arena, .limit = REGEX_EXPANSION_MAX };
	struct view rest = text;
	bool found = false;
	while (rest.length >= from.length) {
		const char *at = memmem(rest.at, rest.length, from.at, from.length);
		if (!at)
			break;
		found = true;
		arena_text_add(&e, view_first(rest, (size_t)(at - rest.at)));
		arena_text_add(&e, by);
		rest = view_skip(rest, (size_t)(at - rest.at) + from.length);
	}
	if (!found)
		return text;
	arena_text_add(&e, rest);
	return arena_text_view(&e);
}

struct view regex_fill(
	struct arena *arena, struct view template, const struct view *groups, size_t count)
{
	struct view text = template;
	for (size_t i = 0; i < count && view_find(text, '{') < text.length; i++) {
		struct view place = view_of(arena_printf(arena, "{%zu}", i));
		text = replace_all(arena, text, place, groups[i]);
	}
	return text;
}
