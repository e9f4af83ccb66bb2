/*
 * A unified diff by the longest common subsequence of lines, between the lines that are the same at
 * both ends. Texts that differ over very many lines are shown as one change.
 */
#include "cli/diff.h"

#include "base/memory.h"
#include <stdlib.h>

enum {
	CONTEXT = 3,
	CELLS_MAX = 16 * 1024 * 1024, /* of the table of common lengths */
};

struct lines {
	struct view *at;
	size_t count;
};

/* A line of the result: kept (in both), taken away, or added. */
struct change {
	char kind; /* ' ' '-' '+' */
	struct view line;
};

struct script {
	struct change *changes;
	size_t count;
};

static struct lines split(struct view v)
{
	struct lines l = { 0 };
	size_t room = 0;
	while (v.length) {
		size_t n = view_find(v, '\n');
		if (l.count == room)
			l.at = memory_resize(l.at, room = room ? room * 2 : 64, sizeof *l.at);
		l.at[l.count++] = view_first(v, n);
		v = view_skip(v, n < v.length ? n + 1 : n);
	}
	return l;
}

static void script_add(struct script *s, char kind, struct view line)
{
	s->changes[s->count++] = (struct change){ kind, line };
}

/* How long a common subsequence the lines from i and j on have, for all i and j. */
static unsigned *common_lengths(struct lines a, struct lines b)
{
	size_t width = b.count + 1;
	unsigned *length = memory_array((a.count + 1) * width, sizeof *length);
	for (size_t i = a.count; i-- > 0;) {
		for (size_t j = b.count; j-- > 0;) {
			unsigned *below = &length[(i + 1) * width], *here = &length[i * width];
			if (view_equal(a.at[i], b.at[j]))
				here[j] = below[j + 1] + 1;
			else
				here[j] = below[j] > here[j + 1] ? below[j] : here[j + 1];
		}
	}
	return length;
}

static void script_middle(struct script *s, struct lines a, struct lines b)
{
	size_t i = 0, j = 0, width = b.count + 1;
	unsigned *length = NULL;
	if ((a.count + 1) <= CELLS_MAX / width)
		length = common_lengths(a, b);
	while (length && i < a.count && j < b.count) {
		if (view_equal(a.at[i], b.at[j])) {
			script_add(s, ' ', a.at[i++]);
			j++;
		} else if (length[(i + 1) * width + j] >= length[i * width + j + 1]) {
			script_add(s, '-', a.at[i++]);
		} else {
			script_add(s, '+', b.at[j++]);
		}
	}
	while (i < a.count)
		script_add(s, '-', a.at[i++]);
	while (j < b.count)
		script_add(s, '+', b.at[j++]);
	free(length);
}

static struct script script_of(struct lines a, struct lines b)
{
	struct script s = { .changes = memory_array(a.count + b.count, sizeof(struct change)) };
	size_t head = 0, tail = 0;
	while (head < a.count && head < b.count && view_equal(a.at[head], b.at[head]))
		script_add(&s, ' ', a.at[head++]);
	while (tail < a.count - head && tail < b.count - head &&
		view_equal(a.at[a.count - tail - 1], b.at[b.count - tail - 1]))
		tail++;
	script_middle(&s, (struct lines){ a.at + head, a.count - head - tail },
		(struct lines){ b.at + head, b.count - head - tail });
	for (size_t i = a.count - tail; i < a.count; i++)
		script_add(&s, ' ', a.at[i]);
	return s;
}

/* Where the hunk that begins at `from` (a change) ends: behind the last change that has no longer
 * gap before it. */
static size_t hunk_end(const struct script *s, size_t from)
{
	size_t end = from;
	for (size_t i = from; i < s->count && i <= end + 2 * CONTEXT; i++) {
		if (s->changes[i].kind != ' ')
			end = i + 1;
	}
	return end;
}

/* Lines of `kind` or of both texts in changes[from..to). */
static size_t lines_of(const struct script *s, char kind, size_t from, size_t to)
{
	size_t n = 0;
	for (size_t i = from; i < to; i++)
		n += s->changes[i].kind == ' ' || s->changes[i].kind == kind;
	return n;
}

static void write_range(struct text *to, const struct script *s, char kind, size_t from, size_t end)
{
	size_t before = lines_of(s, kind, 0, from), count = lines_of(s, kind, from, end);
	text_printf(to, " %c%zu,%zu", kind, count ? before + 1 : before, count);
}

static void write_hunk(struct text *to, const struct script *s, size_t from, size_t end)
{
	text_add_string(to, "@@");
	write_range(to, s, '-', from, end);
	write_range(to, s, '+', from, end);
	text_add_string(to, " @@\n");
	for (size_t i = from; i < end; i++) {
		text_add_char(to, s->changes[i].kind);
		text_add(to, s->changes[i].line);
		text_add_char(to, '\n');
	}
}

static void write_hunks(struct text *to, const struct script *s)
{
	size_t i = 0, shown = 0;
	while (i < s->count) {
		if (s->changes[i].kind == ' ') {
			i++;
			continue;
		}
		size_t end = hunk_end(s, i);
		size_t from = i - shown > CONTEXT ? i - CONTEXT : shown;
		shown = s->count - end > CONTEXT ? end + CONTEXT : s->count;
		write_hunk(to, s, from, shown);
		i = shown;
	}
}

void diff_write(struct text *to, const char *path, struct view old, struct view new)
{
	if (view_equal(old, new))
		return;
	struct lines a = split(old), b = split(new);
	struct script s = script_of(a, b);
	text_printf(to, "--- %s\n+++ %s (formatted)\n", path, path);
	write_hunks(to, &s);
	free(s.changes);
	free(a.at);
	free(b.at);
}
