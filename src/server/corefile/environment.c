/* Environment references in words: {%NAME%} first, then {$NAME}. */
#include "server/corefile/environment.h"

#include "base/text.h"
#include <stdlib.h>

enum {
	ROUNDS_MAX = 100, /* replacements in one word; more is a value that refers to itself */
	EXPANDED_MAX = 1024 * 1024, /* octets */
};

struct marks {
	struct view start, end;
};

static size_t find(struct view v, struct view what)
{
	const char *found = v.length ? memmem(v.at, v.length, what.at, what.length) : NULL;
	return found ? (size_t)(found - v.at) : v.length;
}

/* The first reference in v, marks included; empty if there is none, or if the first one has no name
 * or no end. */
static struct view first_reference(struct view v, struct marks marks)
{
	struct view from = view_skip(v, find(v, marks.start));
	size_t end = find(from, marks.end);
	if (end == from.length || end <= marks.start.length)
		return view_first(from, 0);
	return view_first(from, end + marks.end.length);
}

static const char *value_of(struct arena *arena, struct view reference, struct marks marks)
{
	struct view name = view_skip(reference, marks.start.length);
	name.length -= marks.end.length;
	const char *value = getenv(arena_string(arena, name));
	return value ? value : "";
}

static struct view replace_all(struct arena *arena, struct view v, struct view what, const char *by)
{
	struct text to = { 0 };
	for (size_t n = find(v, what); n < v.length; n = find(v, what)) {
		text_add(&to, view_first(v, n));
		text_add_string(&to, by);
		v = view_skip(v, n + what.length);
	}
	text_add(&to, v);
	struct view result = arena_copy(arena, text_view(&to));
	text_free(&to);
	return result;
}

static bool expand(struct arena *arena, struct view *v, struct marks marks)
{
	for (unsigned round = 0; round < ROUNDS_MAX && v->length < EXPANDED_MAX; round++) {
		struct view reference = first_reference(*v, marks);
		if (!reference.length)
			return true;
		*v = replace_all(arena, *v, reference, value_of(arena, reference, marks));
	}
	return first_reference(*v, marks).length == 0;
}

bool environment_expand(struct arena *arena, struct view text, struct view *out)
{
	*out = text;
	if (view_find(text, '{') == text.length)
		return true;
	return expand(arena, out, (struct marks){ VIEW("{%"), VIEW("%}") }) &&
	       expand(arena, out, (struct marks){ VIEW("{$"), VIEW("}") });
}
