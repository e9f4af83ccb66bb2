/* Reading the shared files of Amazon's tools. */
#include "sync/aws_config.h"

#include "base/file.h"
#include <errno.h>
#include <stdlib.h>

enum { SECTIONS_MAX = 1024, ENTRIES_MAX = 256 }; /* what follows in a file is passed over */

struct entry {
	struct entry *next;
	struct view key; /* "region", or "route_53.endpoint_url" for one that lies below another */
	const char *value;
};

struct aws_section {
	struct aws_section *next;
	bool services; /* else a profile */
	struct view name;
	struct entry *entries;
	unsigned count;
};

static struct aws_section *find_section(const struct aws_config *c, bool services, struct view name)
{
	struct aws_section *s = c->sections;
	while (s && (s->services != services || !view_equal(s->name, name)))
		s = s->next;
	return s;
}

static struct aws_section *make_section(struct aws_config *c, bool services, struct view name)
{
	struct aws_section *s = find_section(c, services, name);
	if (s || c->count == SECTIONS_MAX)
		return s;
	c->count++;
	s = arena_new_object(c->arena, struct aws_section);
	s->services = services;
	s->name = arena_copy(c->arena, name);
	s->next = c->sections;
	return c->sections = s;
}

static struct entry *find_entry(const struct aws_section *s, struct view key)
{
	struct entry *e = s->entries;
	while (e && !view_equal_nocase(e->key, key))
		e = e->next;
	return e;
}

static void put(struct aws_config *c, struct aws_section *s, struct view key, struct view value)
{
	struct entry *e = find_entry(s, key);
	if (!e && s->count == ENTRIES_MAX)
		return;
	if (!e) {
		s->count++;
		e = arena_new_object(c->arena, struct entry);
		e->key = arena_copy(c->arena, key);
		e->next = s->entries;
		s->entries = e;
	}
	e->value = arena_string(c->arena, value);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Up to a comment, which white space and "#" or ";" begin. */
static struct view without_comment(struct view v)
{
	for (size_t i = 1; i < v.length; i++) {
		if ((v.at[i] == '#' || v.at[i] == ';') && is_blank(v.at[i - 1]))
			return view_trim(view_first(v, i));
	}
	return view_trim(v);
}

/* The section that "[...]" begins; NULL if it is none of ours. */
static struct aws_section *open_section(struct aws_config *c, struct view line, enum aws_file_kind kind)
{
	size_t end = view_find(line, ']');
	if (end == line.length)
		return NULL;
	struct view rest = view_skip(view_first(line, end), 1), words = rest;
	struct view first = view_word(&words), name = view_trim(words);
	if (!name.length) {
		bool profile = kind != AWS_CONFIG || view_is(first, "default");
		return profile && first.length ? make_section(c, false, first) : NULL;
	}
	if (kind != AWS_CREDENTIALS && view_is(first, "profile"))
		return make_section(c, false, name);
	if (kind != AWS_CREDENTIALS && view_is(first, "services"))
		return make_section(c, true, name);
	return NULL;
}

/* What a line is read in the light of. */
struct place {
	struct aws_section *section; /* NULL: lines are passed over */
	struct view above;           /* the key without a value that indented lines belong to; empty: none */
};

static void read_pair(struct aws_config *c, struct place *at, struct view line, bool indented)
{
	size_t equals = view_find(line, '=');
	if (!at->section || equals == line.length)
		return;
	struct view key = view_trim(view_first(line, equals));
	struct view value = without_comment(view_skip(line, equals + 1));
	if (!key.length || (indented && !at->above.length))
		return;
	if (indented) {
		key = view_of(arena_printf(c->arena, "%.*s.%.*s", VIEW_ARGS(at->above), VIEW_ARGS(key)));
	} else {
		at->above = value.length ? VIEW("") : key;
	}
	put(c, at->section, key, value);
}

void aws_config_add(struct aws_config *c, struct view text, enum aws_file_kind kind)
{
	struct place at = { 0 };
	struct view line;
	while (view_line(&text, &line)) {
		bool indented = line.length && is_blank(line.at[0]);
		line = view_trim(line);
		if (!line.length || line.at[0] == '#' || line.at[0] == ';')
			continue;
		if (line.at[0] == '[')
			at = (struct place){ .section = open_section(c, line, kind) };
		else
			read_pair(c, &at, line, indented);
	}
}

int aws_config_add_file(struct aws_config *c, const char *path, enum aws_file_kind kind)
{
	struct view text;
	int error = file_read(c->arena, path, AWS_FILE_MAX, &text);
	if (!error)
		aws_config_add(c, text, kind);
	return error == ENOENT || error == ENOTDIR ? 0 : error;
}

bool aws_config_has_profile(const struct aws_config *c, const char *profile)
{
	return find_section(c, false, view_of(profile)) != NULL;
}

static const char *get(const struct aws_section *s, struct view key)
{
	const struct entry *e = s ? find_entry(s, key) : NULL;
	return e && e->value[0] ? e->value : NULL;
}

const char *aws_config_get(const struct aws_config *c, const char *profile, const char *key)
{
	return get(find_section(c, false, view_of(profile)), view_of(key));
}

const char *aws_config_service(
	const struct aws_config *c, const char *services, const char *service, const char *key)
{
	const struct aws_section *s = find_section(c, true, view_of(services));
	return get(s, view_of(arena_printf(c->arena, "%s.%s", service, key)));
}

const char *aws_setting(
	const struct aws_config *c, const char *profile, const char *variable, const char *key)
{
	const char *value = variable ? getenv(variable) : NULL;
	if (value && *value)
		return value;
	return key ? aws_config_get(c, profile, key) : NULL;
}

bool aws_setting_is_true(
	const struct aws_config *c, const char *profile, const char *variable, const char *key)
{
	const char *value = aws_setting(c, profile, variable, key);
	return value && view_equal_nocase(view_of(value), VIEW("true"));
}
