/* Serves zones from master files. */
#include "plugins/zone_answer.h"
#include "plugins/zone_file.h"

#include "base/clock.h"
#include "dns/name_map.h"

/* One occurrence of the directive: a file, the zones that are read from it, its options. */
struct source {
	struct source *next;
	const char *path;
	struct name *zones;
	size_t zone_count;
	int64_t reload;
	bool by_mtime;
	struct fallthrough fallthrough;
};

struct served {
	struct zone_file file;
	const struct source *source;
};

struct file {
	struct source *sources, **last_source;
	struct source *source; /* whose options are being read */
	struct name_map zones; /* origins to struct served */
};

static void file_init(struct setup *s)
{
	struct file *f = s->state;
	f->last_source = &f->sources;
}

static bool file_setup(struct setup *s)
{
	struct file *f = s->state;
	struct view path;
	if (!arg_need(s, &path))
		return false;
	struct source *source = arena_new_object(s->arena, struct source);
	source->path = block_path(s->block, s->arena, path);
	source->reload = ZONE_RELOAD_DEFAULT;
	f->source = *f->last_source = source;
	f->last_source = &source->next;
	return args_zones(s, &source->zones, &source->zone_count);
}

static bool read_reload(struct setup *s)
{
	return zone_file_read_reload(s, &((struct file *)s->state)->source->reload);
}

static bool read_by_mtime(struct setup *s)
{
	((struct file *)s->state)->source->by_mtime = true;
	return arg_end(s);
}

static bool read_fallthrough(struct setup *s)
{
	return args_fallthrough(s, &((struct file *)s->state)->source->fallthrough);
}

static struct served *zone_at(const struct file *f, size_t i)
{
	return f->zones.entries[i].value;
}

/* Loads a zone. A file that is not there may come later, unless nothing looks for it; a broken one
 * is an error. */
static bool load(struct setup *s, struct served *z)
{
	const char *error;
	switch (zone_file_load(&z->file, s->arena, &error)) {
	case ZONE_LOADED:
	case ZONE_UNCHANGED:
		return true;
	case ZONE_NOT_OPENED:
		if (!z->file.interval)
			return setup_error_plain(s, "plugin/file: %s", error);
		plugin_warning(s->self, "Failed to open \"%s\": trying again in %s", error,
			duration_print(s->arena, z->source->reload));
		return true;
	case ZONE_BROKEN:
		break;
	}
	return setup_error_plain(s, "%s", error);
}

/* Where two files are given for a zone the last one counts. */
static void serve_zone(struct setup *s, const struct source *source, struct name origin)
{
	struct file *f = s->state;
	struct name_entry *e = name_map_add(&f->zones, s->arena, origin);
	struct served *z = e->value;
	if (!z) {
		z = e->value = arena_new_object(s->arena, struct served);
		z->file.origin = origin;
		arena_on_free(s->arena, zone_file_close, &z->file);
	}
	z->source = source;
	z->file.path = source->path;
	z->file.interval = (uint64_t)source->reload;
	z->file.by_mtime = source->by_mtime;
}

static bool file_finish(struct setup *s)
{
	struct file *f = s->state;
	bool done = true;
	for (const struct source *source = f->sources; source; source = source->next) {
		for (size_t i = 0; i < source->zone_count; i++)
			serve_zone(s, source, source->zones[i]);
	}
	for (size_t i = 0; i < f->zones.count && !s->checking; i++)
		done = load(s, zone_at(f, i)) && done;
	return done;
}

/* When the next file is to be looked at; 0 when none ever is. */
static uint64_t next_due(const struct file *f)
{
	uint64_t due = 0;
	for (size_t i = 0; i < f->zones.count; i++) {
		uint64_t at = zone_at(f, i)->file.due;
		if (at && (!due || at < due))
			due = at;
	}
	return due;
}

static void follow_files(struct plugin *self, void *data)
{
	const struct file *f = data;
	for (uint64_t due; (due = next_due(f)) != 0;) {
		uint64_t now = clock_now();
		if (!task_sleep(self, due > now ? due - now : 0))
			return;
		now = clock_now();
		for (size_t i = 0; i < f->zones.count; i++) {
			if (zone_file_follow(&zone_at(f, i)->file, now))
				zone_changed(self, zone_at(f, i)->file.origin);
		}
	}
}

static bool file_start(struct plugin *self, struct plugin *before)
{
	(void)before;
	struct file *f = self->state;
	uint64_t now = clock_now();
	for (size_t i = 0; i < f->zones.count; i++) {
		struct zone_file *file = &zone_at(f, i)->file;
		file->due = file->interval ? now + file->interval : 0;
	}
	if (next_due(f))
		task_start(self, follow_files, f);
	return true;
}

/* Who follows the zones may have missed what changed while we were away. */
static void file_started(struct plugin *self)
{
	const struct file *f = self->state;
	for (size_t i = 0; i < f->zones.count; i++) {
		if (zone_file_zone(&zone_at(f, i)->file))
			zone_changed(self, zone_at(f, i)->file.origin);
	}
}

static enum transfer_outcome file_transfer(
	struct plugin *self, struct name zone, struct record_sink *to)
{
	const struct file *f = self->state;
	const struct served *z = name_map_exact(&f->zones, zone);
	return z ? zone_answer_transfer(zone_file_zone(&z->file), to) : TRANSFER_NOT_SERVED;
}

static const struct served *served_above(const struct plugin *self, struct name qname)
{
	const struct file *f = self->state;
	return name_map_longest(&f->zones, qname, NAME_MAP_ANY);
}

static const struct zone *zone_of(const struct plugin *self, struct name qname)
{
	const struct served *z = served_above(self, qname);
	return z ? zone_file_zone(&z->file) : NULL;
}

static void file_foresee(struct plugin *self, const struct foreseen *questions, unsigned count)
{
	zone_answer_foresee(self, zone_of, questions, count);
}

static int file_serve(struct plugin *self, struct query *q)
{
	const struct served *z = served_above(self, q->name);
	if (!z)
		return self->next ? next(self, q) : RCODE_REFUSED;
	return zone_answer(self, q, zone_file_zone(&z->file), zone_of, &z->source->fallthrough);
}

static const char *file_source(const struct plugin *self, struct query *q)
{
	const struct served *z = served_above(self, q->name);
	return z ? zone_file_source(&z->file, q->arena) : NULL;
}

PLUGIN(file) = {
	.name = "file",
	.arguments = "DBFILE [ZONES...]",
	.help = "serves zones from master files, signed ones with their proofs",
	.about = "The zone's names and records come from DBFILE, a file as RFC 1035 describes it, "
		 "with $TTL, $INCLUDE and "
		 "$GENERATE. It is read for each of ZONES, or of the server block's zones where "
		 "none are given.\n\n"
		 "A zone that was signed (with NSEC or NSEC3) is served with signatures and proofs "
		 "of denial to clients that ask "
		 "for them.",
	.options =
		(const struct option[]){
			{ .name = "reload",
				.arguments = "DURATION",
				.fallback = "1m",
				.help = "how often to look whether the SOA serial in the file has "
					"changed; 0 is never",
				.read = read_reload },
			{ .name = "reload_by_mtime",
				.help = "loads the file when it was written to, whatever its "
					"serial",
				.read = read_by_mtime },
			{ .name = "fallthrough",
				.arguments = "[ZONES...]",
				.help = "passes names that the zone does not have to the next "
					"plugin",
				.read = read_fallthrough },
			ZONE_FILE_UPSTREAM_OPTION,
			{ 0 },
		},
	.state_size = sizeof(struct file),
	.init = file_init,
	.setup = file_setup,
	.finish = file_finish,
	.start = file_start,
	.started = file_started,
	.transfer = file_transfer,
	.foresee = file_foresee,
	.serve = file_serve,
	.source = file_source,
};
