/* Reading of resolv.conf. */
#include "net/resolvconf.h"

static size_t count_words(struct view line)
{
	size_t count = 0;
	while (view_word(&line).length)
		count++;
	return count;
}

static void set_search(struct resolvconf *r, struct arena *arena, struct view rest, size_t count)
{
	r->search = arena_array(arena, count, sizeof *r->search);
	r->search_count = count;
	for (size_t i = 0; i < count; i++)
		r->search[i] = view_word(&rest);
}

struct resolvconf resolvconf_parse(struct arena *arena, struct view text)
{
	struct resolvconf r = { 0 };
	struct view line, rest = text;
	size_t lines = 0;
	while (view_line(&rest, &line))
		lines += view_is(view_word(&line), "nameserver");
	r.nameservers = arena_array(arena, lines, sizeof *r.nameservers);
	while (view_line(&text, &line)) {
		struct view word = view_word(&line);
		if (view_is(word, "nameserver")) {
			struct view server = view_word(&line);
			if (server.length)
				r.nameservers[r.nameserver_count++] =
					view_first(server, view_find(server, '%'));
		} else if (view_is(word, "search")) {
			set_search(&r, arena, line, count_words(line));
		} else if (view_is(word, "domain")) {
			set_search(&r, arena, line, count_words(line) ? 1 : 0);
		}
	}
	return r;
}

size_t resolvconf_search_names(struct arena *arena, const struct resolvconf *r, struct name **names)
{
	size_t count = 0;
	*names = arena_array(arena, r->search_count + 1, sizeof **names);
	for (size_t i = 0; i < r->search_count; i++) {
		struct name n = name_from_text(arena, r->search[i]);
		if (n.length)
			(*names)[count++] = name_copy_lower(arena, n);
	}
	return count;
}
