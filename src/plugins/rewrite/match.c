/* Matching names, and making other names of them. */
#include "plugins/rewrite/rewrite.h"

#include "base/arena_text.h"

static size_t find(struct view text, struct view part)
{
	const char *at = memmem(text.at, text.length, part.at, part.length);
	return at ? (size_t)(at - text.at) : text.length;
}

bool matcher_fits(const struct matcher *m, struct view name)
{
	switch (m->kind) {
	case MATCH_EXACT:
		return view_equal(name, m->text);
	case MATCH_PREFIX:
		return view_starts(name, m->text);
	case MATCH_SUFFIX:
		return view_ends(name, m->text);
	case MATCH_SUBSTRING:
		return find(name, m->text) < name.length;
	case MATCH_REGEX:
		return regex_matches(m->regex, name);
	}
	return false;
}

/* `name` with every occurrence of `part` replaced. */
static void replace_all(struct arena_text *made, struct view name, struct view part, struct view to)
{
	for (size_t at = find(name, part); at < name.length; at = find(name, part)) {
		arena_text_add(made, view_first(name, at));
		arena_text_add(made, to);
		name = view_skip(name, at + part.length);
	}
	arena_text_add(made, name);
}

struct view matcher_replace(
	const struct matcher *m, struct arena *arena, struct view name, struct view to)
{
	struct arena_text made = { .arena = arena, .limit = REGEX_EXPANSION_MAX };
	switch (m->kind) {
	case MATCH_EXACT:
		return to;
	case MATCH_PREFIX:
		arena_text_add(&made, to);
		arena_text_add(&made, view_skip(name, m->text.length));
		break;
	case MATCH_SUFFIX:
		arena_text_add(&made, view_first(name, name.length - m->text.length));
		arena_text_add(&made, to);
		break;
	case MATCH_SUBSTRING:
		replace_all(&made, name, m->text, to);
		break;
	case MATCH_REGEX:
		return regex_fill(arena, to, regex_captures_all(m->regex, arena, name),
			regex_groups(m->regex) + 1);
	}
	return arena_text_view(&made);
}
