/*
 * Serves the zones whose files lie in a directory. The control thread walks it now and then; what
 * it finds is published as one immutable map of zones, which workers read.
 */
#include "plugins/zone_answer.h"
#include "plugins/zone_file.h"
#include "server/block.h"

#include "base/epoch.h"
#include "base/error.h"
#include "dns/name_map.h"
#include "server/regex.h"

#include <errno.h>
#include <fts.h>

/* A zone that was found; goes when its file has gone. */
struct found {
	struct zone_file file;
	struct arena *arena; /* has this struct, origin and path */
};

/* What is served: immutable once published. */
struct served_zones {
	struct arena *arena;
	struct name_map map; /* origins to struct found */
};

struct auto_state {
	struct name *zones; /* what it may serve */
	size_t zone_count;
	const char *directory;
	struct regex *pattern;
	struct view template;
	int64_t reload;
	_Atomic(struct served_zones *)
		live; /* replaced by the control thread; NULL before the first scan */
};

/* A walk through the directory (control thread). */
struct scan {
	struct plugin *self;
	struct auto_state *state;
	const struct served_zones *live; /* what the last one found, NULL if this is the first */
	struct served_zones *fresh;	 /* what this one finds */
	bool readable;			 /* the directory was */
};

/* --- set-up --- */

static void auto_init(struct setup *s)
{
	struct auto_state *a = s->state;
	a->directory = "";
	a->reload = ZONE_RELOAD_DEFAULT;
	a->template = VIEW("${1}");
}

static bool auto_setup(struct setup *s)
{
	struct auto_state *a = s->state;
	return args_zones(s, &a->zones, &a->zone_count);
}

static bool check_directory(struct setup *s, const char *path)
{
	struct stat st;
	if (s->checking || stat(path, &st) == 0)
		return true;
	if (errno != ENOENT)
		return setup_error(s, "Unable to access root path '%s': stat %s: %s", path, path,
			error_text(errno));
	plugin_warning(s->self, "Directory does not exist: %s", path);
	return true;
}

/* "{1}.{name}" as what Go's expansion takes: "${1}.${name}". */
static struct view expansion_template(struct setup *s, struct view text)
{
	char *to = arena_octets(s->arena, 2 * text.length);
	size_t length = 0;
	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] == '{')
			to[length++] = '$';
		to[length++] = text.at[i];
	}
	return (struct view){ to, length };
}

static bool read_pattern(struct setup *s, struct view pattern)
{
	struct auto_state *a = s->state;
	const char *why;
	if (pattern.length > REGEX_PATTERN_MAX)
		return setup_error(s, "regexp too large");
	a->pattern = regex_compile(s->arena, pattern, &why);
	if (!a->pattern)
		return setup_error_plain(s, "%s", why);
	if (regex_groups(a->pattern) == 0)
		return setup_error(s, "Need at least one sub expression");
	return true;
}

static bool read_directory(struct setup *s)
{
	struct auto_state *a = s->state;
	struct view word;
	if (!arg_need(s, &word))
		return false;
	a->directory = block_path(s->block, s->arena, word);
	if (!check_directory(s, a->directory))
		return false;
	if (!arg_next(s, &word))
		return true;
	if (!read_pattern(s, word) || !arg_need(s, &word))
		return false;
	a->template = expansion_template(s, word);
	return arg_end(s);
}

static bool read_reload(struct setup *s)
{
	return zone_file_read_reload(s, &((struct auto_state *)s->state)->reload);
}

static bool auto_finish(struct setup *s)
{
	struct auto_state *a = s->state;
	return a->pattern || read_pattern(s, VIEW("db\\.(.*)"));
}

/* --- finding zones --- */

static void found_free(void *data)
{
	struct found *z = data;
	zone_free(atomic_load(&z->file.zone));
	arena_free(z->arena);
}

static void served_free(void *data)
{
	struct served_zones *served = data;
	arena_free(served->arena);
}

static struct found *found_in(const struct served_zones *served, size_t i)
{
	return served->map.entries[i].value;
}

static size_t zone_count(const struct served_zones *served)
{
	return served ? served->map.count : 0;
}

static void keep(struct served_zones *served, struct found *z)
{
	name_map_add(&served->map, served->arena, z->file.origin)->value = z;
}

static struct found *found_new(const struct auto_state *a, struct name origin, const char *path)
{
	struct arena *arena = arena_new(512);
	struct found *z = arena_new_object(arena, struct found);
	z->arena = arena;
	z->file.origin = name_copy(arena, origin);
	z->file.path = arena_string(arena, view_of(path));
	z->file.interval = (uint64_t)a->reload;
	z->file.due = z->file.interval ? clock_now() + z->file.interval : 0;
	return z;
}

/* A file for a zone that is not served yet. What cannot be loaded is tried again by the next scan.
 */
static void insert(struct scan *scan, struct name origin, const char *path)
{
	struct found *z = found_new(scan->state, origin, path);
	const char *text = name_text(z->arena, origin), *error;
	switch (zone_file_load(&z->file, z->arena, &error)) {
	case ZONE_LOADED:
		plugin_info(scan->self, "Inserting zone `%s' from: %s", text, path);
		keep(scan->fresh, z);
		if (scan->live)
			zone_changed(scan->self, origin);
		return;
	case ZONE_NOT_OPENED:
		plugin_warning(scan->self, "Opening %s failed: %s", path, error);
		break;
	case ZONE_UNCHANGED:
	case ZONE_BROKEN:
		plugin_warning(scan->self, "Parse zone `%s': %s", text, error);
		break;
	}
	found_free(z);
}

/* A zone's file was found: one that another file is for already, one that is served, or a new zone.
 */
static void take_file(struct scan *scan, struct name origin, const char *path)
{
	struct found *z = name_map_exact(&scan->fresh->map, origin);
	if (z) {
		plugin_warning(scan->self,
			"Multiple zone files match origin \"%s\": using \"%s\" instead of \"%s\"",
			name_text(scan->fresh->arena, origin), z->file.path, path);
		return;
	}
	z = scan->live ? name_map_exact(&scan->live->map, origin) : NULL;
	if (!z) {
		insert(scan, origin, path);
		return;
	}
	keep(scan->fresh, z);
	if (strcmp(z->file.path, path) != 0) {
		z->file.path = arena_string(z->arena, view_of(path));
		z->file.has_seen = false;
	}
}

/* The origin that a file's name stands for. */
static bool origin_of(
	const struct auto_state *a, struct arena *arena, const char *file, struct name *origin)
{
	const struct view *groups = regex_captures_all(a->pattern, arena, view_of(file));
	if (!groups)
		return false;
	struct view text = regex_expand(a->pattern, arena, a->template, groups);
	struct name n = name_from_text(arena, text.length ? text : VIEW("."));
	if (n.length == 0)
		return false;
	*origin = name_copy_lower(arena, n);
	return true;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool is_file(const FTSENT *entry)
{
	struct stat st;
	if (entry->fts_info == FTS_F)
		return true;
	return entry->fts_info == FTS_SL && stat(entry->fts_path, &st) == 0 && !S_ISDIR(st.st_mode);
}

static bool is_unreadable(const FTSENT *entry)
{
	return entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR ||
	       entry->fts_info == FTS_NS;
}

static void visit(struct scan *scan, const FTSENT *entry)
{
	if (is_unreadable(entry)) {
		const char *step = entry->fts_info == FTS_DNR ? "open" : "lstat";
		plugin_warning(scan->self, "error reading %s: %s %s: %s", entry->fts_path, step,
			entry->fts_path, error_text(entry->fts_errno));
		scan->readable = false;
		return;
	}
	struct arena *arena = arena_new(1024);
	struct name origin;
	if (is_file(entry) && origin_of(scan->state, arena, entry->fts_name, &origin))
		take_file(scan, origin, entry->fts_path);
	arena_free(arena);
}

/* Visits all files in the order of their names. */
static void walk(struct scan *scan)
{
	char *paths[] = { (char *)scan->state->directory, NULL };
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
	scan->readable = tree != NULL;
	for (const FTSENT *e; tree && (e = fts_read(tree)) != NULL;)
		visit(scan, e);
	if (tree)
		fts_close(tree);
}

/* What could not be looked at goes on being served as it is. */
static void keep_unseen(struct scan *scan)
{
	for (size_t i = 0; i < zone_count(scan->live); i++) {
		struct found *z = found_in(scan->live, i);
		if (!name_map_exact(&scan->fresh->map, z->file.origin))
			keep(scan->fresh, z);
	}
}

static bool has_changed(const struct scan *scan)
{
	if (!scan->live || zone_count(scan->live) != zone_count(scan->fresh))
		return true;
	for (size_t i = 0; i < zone_count(scan->fresh); i++) {
		const struct found *z = found_in(scan->fresh, i);
		if (name_map_exact(&scan->live->map, z->file.origin) != z)
			return true;
	}
	return false;
}

/* Zones whose files are gone: nobody finds them any more, so they may be freed when those who have
 * are done. */
static void drop_missing(const struct scan *scan)
{
	for (size_t i = 0; i < zone_count(scan->live); i++) {
		struct found *z = found_in(scan->live, i);
		if (name_map_exact(&scan->fresh->map, z->file.origin))
			continue;
		plugin_info(scan->self, "Deleting zone `%s'", name_text(z->arena, z->file.origin));
		epoch_retire(z, found_free);
	}
}

static struct served_zones *served_new(void)
{
	struct arena *arena = arena_new(1024);
	struct served_zones *served = arena_new_object(arena, struct served_zones);
	served->arena = arena;
	return served;
}

static void scan_directory(struct plugin *self)
{
	struct auto_state *a = self->state;
	struct served_zones *live = atomic_load(&a->live);
	struct scan scan = { .self = self, .state = a, .live = live, .fresh = served_new() };
	walk(&scan);
	if (!scan.readable)
		keep_unseen(&scan);
	if (!has_changed(&scan)) {
		served_free(scan.fresh);
		return;
	}
	atomic_store(&a->live, scan.fresh);
	drop_missing(&scan);
	if (live)
		epoch_retire(live, served_free);
}

/* --- running --- */

/* When something is to be looked at: the directory at `scan`, or a zone's file before that. */
static uint64_t next_due(const struct served_zones *live, uint64_t scan)
{
	uint64_t due = scan;
	for (size_t i = 0; i < zone_count(live); i++) {
		if (found_in(live, i)->file.due < due)
			due = found_in(live, i)->file.due;
	}
	return due;
}

static void follow_zone(struct plugin *self, struct found *z, uint64_t now)
{
	if (zone_file_follow(&z->file, now))
		zone_changed(self, z->file.origin);
}

static void follow(struct plugin *self, void *data)
{
	struct auto_state *a = data;
	uint64_t interval = (uint64_t)a->reload, now = clock_now(), scan = now + interval;
	for (;;) {
		uint64_t due = next_due(atomic_load(&a->live), scan);
		if (!task_sleep(self, due > now ? due - now : 0))
			return;
		now = clock_now();
		if (now >= scan) {
			scan_directory(self);
			scan = now + interval;
		}
		const struct served_zones *live = atomic_load(&a->live);
		for (size_t i = 0; i < zone_count(live); i++)
			follow_zone(self, found_in(live, i), now);
	}
}

static void close_all(void *data)
{
	struct auto_state *a = data;
	struct served_zones *live = atomic_exchange(&a->live, NULL);
	for (size_t i = 0; i < zone_count(live); i++)
		epoch_retire(found_in(live, i), found_free);
	if (live)
		epoch_retire(live, served_free);
}

static bool auto_start(struct plugin *self, struct plugin *before)
{
	(void)before;
	struct auto_state *a = self->state;
	arena_on_free(self->block->config->arena, close_all, a);
	scan_directory(self);
	if (a->reload)
		task_start(self, follow, a);
	return true;
}

static void auto_started(struct plugin *self)
{
	struct auto_state *a = self->state;
	const struct served_zones *live = atomic_load(&a->live);
	for (size_t i = 0; i < zone_count(live); i++)
		zone_changed(self, found_in(live, i)->file.origin);
}

static enum transfer_outcome auto_transfer(
	struct plugin *self, struct name zone, struct record_sink *to)
{
	struct auto_state *a = self->state;
	const struct served_zones *live = atomic_load_explicit(&a->live, memory_order_acquire);
	const struct found *z = live ? name_map_exact(&live->map, zone) : NULL;
	return z ? zone_answer_transfer(zone_file_zone(&z->file), to) : TRANSFER_NOT_SERVED;
}

/* The longest zone above the name, of those that the plugin is to serve. */
static const struct found *found_above(const struct plugin *self, struct name qname)
{
	struct auto_state *a = self->state;
	struct name within;
	if (!zones_match(a->zones, a->zone_count, qname, &within))
		return NULL;
	const struct served_zones *live = atomic_load_explicit(&a->live, memory_order_acquire);
	return live ? name_map_longest(&live->map, qname, NAME_MAP_ANY) : NULL;
}

static bool auto_zone_above(struct plugin *self, struct name qname, struct name *zone)
{
	const struct found *z = found_above(self, qname);
	if (z)
		*zone = z->file.origin;
	return z != NULL;
}

static const struct zone *zone_of(const struct plugin *self, struct name qname)
{
	const struct found *z = found_above(self, qname);
	return z ? zone_file_zone(&z->file) : NULL;
}

static void auto_foresee(struct plugin *self, const struct foreseen *questions, unsigned count)
{
	zone_answer_foresee(self, zone_of, questions, count);
}

static int auto_serve(struct plugin *self, struct query *q)
{
	const struct found *z = found_above(self, q->name);
	if (!z)
		return self->next ? next(self, q) : RCODE_REFUSED;
	return zone_answer(self, q, zone_file_zone(&z->file), zone_of, NULL);
}

static const char *auto_source(const struct plugin *self, struct query *q)
{
	const struct found *z = found_above(self, q->name);
	return z ? zone_file_source(&z->file, q->arena) : NULL;
}

PLUGIN(auto) = {
	.name = "auto",
	.arguments = "[ZONES...]",
	.help = "serves the zones whose master files lie in a directory",
	.about = "Files that come are loaded, files that go take their zone with them, and files "
		 "that change are loaded anew "
		 "when their SOA serial has changed. A file that cannot be used is left out, and "
		 "tried again with the next scan.",
	.options =
		(const struct option[]){
			{ .name = "directory",
				.arguments = "DIR [REGEXP TEMPLATE]",
				.fallback = "REGEXP is db\\.(.*) and TEMPLATE is {1}",
				.help = "where the files are; the names that REGEXP matches stand "
					"for the zone that TEMPLATE makes of them",
				.read = read_directory },
			{ .name = "reload",
				.arguments = "DURATION",
				.fallback = "1m",
				.help = "how often the directory is scanned and files are looked "
					"at; 0 is never again",
				.read = read_reload },
			ZONE_FILE_UPSTREAM_OPTION,
			{ 0 },
		},
	.state_size = sizeof(struct auto_state),
	.init = auto_init,
	.setup = auto_setup,
	.finish = auto_finish,
	.start = auto_start,
	.started = auto_started,
	.transfer = auto_transfer,
	.foresee = auto_foresee,
	.serve = auto_serve,
	.source = auto_source,
	.zone_above = auto_zone_above,
};
