/*
 * Globs of import: one '*' and one '?' at most, in any part of the path; hidden files match. Walks
 * the path part by part over a list of the paths found so far.
 */
#include "server/corefile/glob.h"

#include "base/memory.h"
#include <dirent.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
	PARTS_MAX = 256,
	MATCHES_MAX = 100000,
};

struct path_list {
	const char **paths;
	size_t count, room;
};

struct parts {
	struct view part[PARTS_MAX];
	bool literal[PARTS_MAX];
	size_t count;
};

/* Adds the parts of a path, "." and ".." resolved by their text alone. */
static void parts_add(struct parts *p, struct view path, bool literal)
{
	while (path.length && p->count < PARTS_MAX) {
		size_t n = view_find(path, '/');
		struct view part = view_first(path, n);
		path = view_skip(path, n < path.length ? n + 1 : n);
		if (part.length == 0 || view_is(part, "."))
			continue;
		if (view_is(part, "..")) {
			p->count -= p->count > 0;
			continue;
		}
		p->literal[p->count] = literal;
		p->part[p->count++] = part;
	}
}

static const char *joined(struct arena *a, const struct parts *p)
{
	const char *path = "";
	for (size_t i = 0; i < p->count; i++)
		path = arena_printf(a, "%s/%.*s", path, VIEW_ARGS(p->part[i]));
	return path[0] ? path : "/";
}

static size_t occurrences(struct view v, char c)
{
	size_t n = 0;
	for (size_t i = 0; i < v.length; i++)
		n += v.at[i] == c;
	return n;
}

static bool has_any(struct view v, const char *set)
{
	for (size_t i = 0; i < v.length; i++) {
		if (strchr(set, v.at[i]) && v.at[i])
			return true;
	}
	return false;
}

static void list_add(struct path_list *l, const char *path)
{
	if (l->count == MATCHES_MAX)
		return;
	if (l->count == l->room)
		l->paths = memory_resize(
			l->paths, l->room = l->room ? l->room * 2 : 16, sizeof *l->paths);
	l->paths[l->count++] = path;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void match_in(
	struct arena *a, const char *directory, const char *pattern, struct path_list *to)
{
	DIR *d = opendir(directory[0] ? directory : "/");
	if (!d)
		return;
	size_t first = to->count;
	for (struct dirent *e = readdir(d); e; e = readdir(d)) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (fnmatch(pattern, e->d_name, 0) == 0)
			list_add(to, arena_printf(a, "%s/%s", directory, e->d_name));
	}
	closedir(d);
	if (to->count > first)
		qsort(to->paths + first, to->count - first, sizeof *to->paths, by_text);
}

/* One part further: each path found so far with the part behind it, or with what matches it. */
static struct path_list step(
	struct arena *a, const struct path_list *from, struct view part, bool literal)
{
	struct path_list to = { 0 };
	const char *text = arena_string(a, part);
	for (size_t i = 0; i < from->count; i++) {
		if (literal || !has_any(part, "*?[\\"))
			list_add(&to, arena_printf(a, "%s/%s", from->paths[i], text));
		else
			match_in(a, from->paths[i], text, &to);
	}
	return to;
}

static void keep_existing(struct arena *a, const struct path_list *l, struct glob *g)
{
	struct stat st;
	g->paths = arena_array(a, l->count, sizeof *g->paths);
	for (size_t i = 0; i < l->count; i++) {
		if (lstat(l->paths[i], &st) == 0)
			g->paths[g->count++] = l->paths[i];
	}
}

static void expand(struct arena *a, const struct parts *p, struct glob *g)
{
	struct path_list found = { 0 };
	list_add(&found, "");
	for (size_t i = 0; i < p->count; i++) {
		struct path_list next = step(a, &found, p->part[i], p->literal[i]);
		free(found.paths);
		found = next;
	}
	keep_existing(a, &found, g);
	free(found.paths);
}

void glob_find(struct arena *a, struct view directory, struct view argument, struct glob *g)
{
	struct parts parts = { .count = 0 };
	struct stat st;
	*g = (struct glob){ .wild = has_any(argument, "*?[]") };
	if (argument.length == 0 || argument.at[0] != '/')
		parts_add(&parts, directory, true);
	parts_add(&parts, argument, false);
	g->pattern = joined(a, &parts);

	bool opened = has_any(argument, "["), closed = has_any(argument, "]");
	if ((opened || closed) && lstat(g->pattern, &st) == 0) {
		for (size_t i = 0; i < parts.count; i++)
			parts.literal[i] = true;
	} else {
		g->too_wild = occurrences(argument, '*') > 1 || occurrences(argument, '?') > 1 ||
			      (opened && closed);
		g->malformed = opened && !closed;
	}
	if (!g->too_wild && !g->malformed)
		expand(a, &parts, g);
}
