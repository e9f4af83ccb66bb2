/*
 * Following a zone's file. A good zone goes on being served until a better one is there: the file
 * is read whole, checked, sealed and only then published.
 *
 * A file that somebody is writing at the moment may look whole and be half of it, with its new
 * serial on top already. So one that was written to a moment ago is left for the next look; and if
 * it is written to again shortly after it was taken, that belongs to the same change, and it is
 * taken again though its serial has not moved since.
 */
#include "plugins/zone_file.h"

#include "base/epoch.h"
#include "base/error.h"

#include <errno.h>
#include <time.h>

enum {
	SETTLE_MS = 200,   /* a file has to be at rest for so long */
	SETTLE_LOOKS = 25, /* but one that never is at rest is taken as it is */
	SAME_CHANGE_S = 5,
};

static const char plugin_name[] = "file"; /* in log lines, whoever found the file */

static int64_t nanoseconds(struct timespec t)
{
	return (int64_t)t.tv_sec * (int64_t)NS_PER_S + t.tv_nsec;
}

static void publish(struct zone_file *f, struct zone *z)
{
	struct zone *old = atomic_exchange(&f->zone, z);
	if (old)
		epoch_retire(old, zone_free);
}

static void warn_of_outside(const struct zone_load *l)
{
	if (l->outside)
		log_line(LOG_WARNING, plugin_name,
			"%zu records of \"%s\" are not of its zone and were left out", l->outside,
			l->path);
}

/* Loads, and remembers what was read. `serial` is to be NULL to load in any case. */
static enum zone_load_result load(
	struct zone_file *f, struct zone_load *l, const struct zone *known)
{
	l->path = f->path;
	l->origin = f->origin;
	l->has_serial = known != NULL;
	l->serial = known ? zone_serial(known) : 0;
	enum zone_load_result result = zone_load(l);
	if (result == ZONE_NOT_OPENED)
		return result;
	f->seen = l->version;
	f->has_seen = true;
	f->includes = l->includes;
	if (result != ZONE_LOADED)
		return result;
	warn_of_outside(l);
	f->loaded = l->version;
	return result;
}

enum zone_load_result zone_file_load(struct zone_file *f, struct arena *a, const char **error)
{
	struct zone_load l = { .arena = a };
	enum zone_load_result result = load(f, &l, NULL);
	*error = l.error;
	if (result == ZONE_LOADED)
		publish(f, l.zone);
	return result;
}

/* Whether somebody may be in the middle of writing the file. */
static bool is_being_written(struct zone_file *f, const struct stat *now)
{
	struct timespec clock;
	clock_gettime(CLOCK_REALTIME, &clock);
	int64_t age = nanoseconds(clock) - nanoseconds(now->st_mtim);
	if (age < 0 || age >= (int64_t)(SETTLE_MS * NS_PER_MS) || f->waits >= SETTLE_LOOKS)
		return false;
	f->waits++;
	return true;
}

/* The zone that must have another serial for the file to be taken, NULL if the file is to be taken
 * in any case. */
static const struct zone *serial_to_differ(const struct zone_file *f, const struct stat *now)
{
	int64_t between = nanoseconds(now->st_mtim) - nanoseconds(f->loaded.st_mtim);
	bool same_change =
		f->reloaded && between >= 0 && between < SAME_CHANGE_S * (int64_t)NS_PER_S;
	return f->by_mtime || same_change ? NULL : zone_file_zone(f);
}

static void look_again_soon(struct zone_file *f)
{
	f->has_seen = false;
	f->due = clock_now() + SETTLE_MS * NS_PER_MS;
}

static bool reload(struct zone_file *f, const struct stat *now, struct arena *a)
{
	struct zone_load l = { .arena = a };
	const char *origin = name_text(a, f->origin);
	enum zone_load_result result = load(f, &l, serial_to_differ(f, now));
	if (l.changed && f->waits++ < SETTLE_LOOKS) {
		zone_free(l.zone);
		look_again_soon(f);
		return false;
	}
	f->waits = 0;
	switch (result) {
	case ZONE_LOADED:
		publish(f, l.zone);
		f->reloaded = true;
		log_line(LOG_INFO, plugin_name,
			"Successfully reloaded zone \"%s\" in \"%s\" with %u SOA serial", origin,
			f->path, zone_serial(l.zone));
		break;
	case ZONE_UNCHANGED:
		break;
	case ZONE_NOT_OPENED:
		log_line(LOG_ERROR, plugin_name, "Failed to open zone \"%s\" in \"%s\": %s", origin,
			f->path, l.error);
		break;
	case ZONE_BROKEN:
		log_line(LOG_ERROR, plugin_name, "Parsing zone \"%s\": %s", origin, l.error);
		break;
	}
	return result == ZONE_LOADED;
}

/* Whether there is something new to read. Where others are included, only reading tells. */
static bool has_news(const struct zone_file *f, const struct stat *now)
{
	if (!f->has_seen || !file_same_version(&f->seen, now))
		return true;
	return f->includes && !f->by_mtime;
}

static bool look(struct zone_file *f, struct arena *a)
{
	struct stat now;
	if (stat(f->path, &now) != 0) {
		log_line(LOG_ERROR, plugin_name,
			"Failed to open zone \"%s\" in \"%s\": open %s: %s",
			name_text(a, f->origin), f->path, f->path, error_text(errno));
		return false;
	}
	if (!has_news(f, &now))
		return false;
	if (!is_being_written(f, &now))
		return reload(f, &now, a);
	look_again_soon(f);
	return false;
}

bool zone_file_follow(struct zone_file *f, uint64_t now)
{
	if (!f->due || f->due > now)
		return false;
	f->due = now + f->interval;
	struct arena *a = arena_new(1024);
	bool changed = look(f, a);
	arena_free(a);
	return changed;
}

const char *zone_file_source(const struct zone_file *f, struct arena *a)
{
	const struct zone *z = zone_file_zone(f);
	const char *origin = name_text(a, f->origin);
	if (!z)
		return arena_printf(a, "zone %s from %s: not loaded", origin, f->path);
	return arena_printf(a, "zone %s from %s: serial %u, %zu records", origin, f->path, zone_serial(z),
		zone_record_count(z));
}

void zone_file_close(void *file)
{
	publish(file, NULL);
}

bool zone_file_read_reload(struct setup *s, int64_t *ns)
{
	struct view word, *rest;
	const char *why;
	if (!arg_next(s, &word))
		return setup_error_plain(s, "reload duration value is expected");
	if (!duration_parse(s->arena, word, ns, &why))
		return setup_error_plain(s, "plugin/file: %s", why);
	if (*ns < 0)
		return setup_error_plain(s, "plugin/file: invalid duration");
	args_rest(s, &rest);
	return true;
}

bool zone_file_read_upstream(struct setup *s)
{
	struct view *rest;
	args_rest(s, &rest);
	return true;
}
