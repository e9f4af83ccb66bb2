/* Answers from a hosts file, and from lines of hosts that stand in the Corefile. */
#include "plugins/hosts/table.h"

#include "base/clock.h"
#include "base/epoch.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "dns/reverse.h"
#include "server/block.h"
#include <errno.h>
#include <stdatomic.h>
#include <sys/stat.h>

enum {
	TTL_DEFAULT = 3600,
	TTL_MAX = 65535,
	FILE_MAX = 1 << 30,
	READ_ARENA_SIZE = 4096,
};

static const char path_default[] = "/etc/hosts";

struct hosts {
	const char *path;
	bool explicit_path, reverse, passes_unsupported, had_fallthrough;
	struct name *zones;
	size_t zone_count;
	uint32_t ttl;
	int64_t reload; /* ns; 0: never */
	struct fallthrough fallthrough;
	struct text lines; /* of the Corefile, until they are read */
	struct hosts_table *inline_table;
	_Atomic(struct hosts_table *) file_table; /* NULL until the file was read */
	struct timespec modified;
	off_t size;
	struct metric *entries, *timestamp;
};

static const struct metric_family entries_family = {
	.name = "coredns_hosts_entries",
	.help = "The combined number of entries in hosts and Corefile.",
	.kind = METRIC_GAUGE,
	.labels = { "hostsfile" },
};

static const struct metric_family timestamp_family = {
	.name = "coredns_hosts_reload_timestamp_seconds",
	.help = "The timestamp of the last reload of hosts file.",
	.kind = METRIC_GAUGE,
};

static const struct metric_family *const metrics[] = { &entries_family, &timestamp_family, NULL };

/* --- set-up --- */

static void hosts_init(struct setup *s)
{
	struct hosts *h = s->state;
	h->path = path_default;
	h->reverse = true;
	h->ttl = TTL_DEFAULT;
	h->reload = 5 * (int64_t)NS_PER_S;
}

static bool hosts_setup(struct setup *s)
{
	struct hosts *h = s->state;
	struct view path;
	if (arg_next(s, &path)) {
		if (path.length == 1 && path.at[0] == '{') {
			s->at--;
		} else {
			h->path = block_path(s->block, s->arena, path);
			h->explicit_path = true;
		}
	}
	return args_zones(s, &h->zones, &h->zone_count);
}

static bool read_ttl(struct setup *s)
{
	struct hosts *h = s->state;
	struct view *words;
	int32_t ttl;
	if (args_rest(s, &words) == 0)
		return setup_error(s, "ttl needs a time in second");
	if (!view_integer(words[0], &ttl))
		return setup_error(s, "ttl needs a number of second");
	if (ttl <= 0 || ttl > TTL_MAX)
		return setup_error(s, "ttl provided is invalid");
	h->ttl = (uint32_t)ttl;
	return true;
}

static bool read_no_reverse(struct setup *s)
{
	((struct hosts *)s->state)->reverse = false;
	return true;
}

static bool read_reload(struct setup *s)
{
	struct hosts *h = s->state;
	struct view *words;
	const char *why;
	if (args_rest(s, &words) != 1)
		return setup_error(s, "reload needs a duration (zero seconds to disable)");
	if (!duration_parse(s->arena, words[0], &h->reload, &why))
		return setup_error(s, "invalid duration for reload '%.*s'", VIEW_ARGS(words[0]));
	if (h->reload < 0)
		return setup_error(
			s, "invalid negative duration for reload '%.*s'", VIEW_ARGS(words[0]));
	return true;
}

static bool read_fallthrough(struct setup *s)
{
	struct hosts *h = s->state;
	h->had_fallthrough = true;
	return args_fallthrough(s, &h->fallthrough);
}

static bool read_passes_unsupported(struct setup *s)
{
	((struct hosts *)s->state)->passes_unsupported = true;
	return arg_end(s);
}

/* A line of hosts: its first word was taken for an option's name. */
static bool read_line(struct setup *s)
{
	struct hosts *h = s->state;
	struct view first = s->directive->words[s->at].text, *words;
	if (h->had_fallthrough)
		return setup_error(s, "unknown property '%.*s'", VIEW_ARGS(first));
	text_add(&h->lines, first);
	size_t count = args_rest(s, &words);
	for (size_t i = 0; i < count; i++) {
		text_add_char(&h->lines, ' ');
		text_add(&h->lines, words[i]);
	}
	text_add_char(&h->lines, '\n');
	return true;
}

static struct hosts_rules rules_of(const struct hosts *h)
{
	return (struct hosts_rules){ h->zones, h->zone_count, h->reverse };
}

static bool check_path(struct setup *s)
{
	const struct hosts *h = s->state;
	struct stat file;
	if (!h->explicit_path)
		return true;
	if (stat(h->path, &file) < 0) {
		if (errno != ENOENT)
			return setup_error(s, "unable to access hosts file '%s': %s", h->path, error_text(errno));
		setup_warning(s, "File does not exist: %s", h->path);
	} else if (S_ISDIR(file.st_mode)) {
		setup_warning(s, "Hosts file \"%s\" is a directory", h->path);
	}
	return true;
}

/* --- the file --- */

static void show(struct hosts *h, const struct hosts_table *table)
{
	size_t count = hosts_table_entries(table) + hosts_table_entries(h->inline_table);
	metric_set(h->entries, (double)count);
	metric_set(h->timestamp, (double)h->modified.tv_sec + (double)h->modified.tv_nsec / 1e9);
}

static void say_parsed(struct hosts *h)
{
	const struct hosts_table *table = atomic_load(&h->file_table);
	if (table)
		log_debug("plugin/hosts: Parsed hosts file into %zu entries", hosts_table_entries(table));
}

static bool has_changed(const struct hosts *h, const struct stat *file)
{
	return !atomic_load(&h->file_table) || file->st_size != h->size ||
	       file->st_mtim.tv_sec != h->modified.tv_sec ||
	       file->st_mtim.tv_nsec != h->modified.tv_nsec;
}

/* Reads the file if it has changed, and says whether it has; one that cannot be read leaves what was read before. */
static bool read_file(struct hosts *h)
{
	struct stat file;
	if (stat(h->path, &file) < 0 || !S_ISREG(file.st_mode) || !has_changed(h, &file))
		return false;
	bool done = false;
	struct arena *arena = arena_new(READ_ARENA_SIZE);
	struct view text;
	if (file_read(arena, h->path, FILE_MAX, &text) == 0) {
		struct hosts_rules rules = rules_of(h);
		struct hosts_table *table = hosts_table_read(text, &rules);
		h->size = file.st_size;
		h->modified = file.st_mtim;
		show(h, table);
		struct hosts_table *old = atomic_exchange(&h->file_table, table);
		if (old)
			epoch_retire(old, hosts_table_free);
		done = true;
	}
	arena_free(arena);
	return done;
}

static void free_tables(void *data)
{
	struct hosts *h = data;
	hosts_table_free(atomic_load(&h->file_table));
	hosts_table_free(h->inline_table);
	text_free(&h->lines);
}

static bool hosts_finish(struct setup *s)
{
	struct hosts *h = s->state;
	arena_on_free(s->arena, free_tables, h);
	if (h->passes_unsupported && !h->had_fallthrough)
		return setup_error(s, "fallthrough_unsupported requires fallthrough");
	if (!check_path(s))
		return false;
	struct hosts_rules rules = rules_of(h);
	h->inline_table = hosts_table_read(text_view(&h->lines), &rules);
	text_free(&h->lines);
	h->entries = metric_get(&entries_family, (struct view[]){ view_of(h->path) });
	h->timestamp = metric_get(&timestamp_family, NULL);
	if (!s->checking)
		read_file(h);
	return true;
}

static void follow_file(struct plugin *self, void *data)
{
	struct hosts *h = data;
	while (task_sleep(self, (uint64_t)h->reload)) {
		if (read_file(h))
			say_parsed(h);
	}
}

static bool hosts_start(struct plugin *self, struct plugin *before)
{
	(void)before;
	struct hosts *h = self->state;
	say_parsed(h); /* what was read at set-up, before debug lines were on */
	if (h->reload)
		task_start(self, follow_file, h);
	return true;
}

/* --- answers --- */

/* The file first, then the lines of the Corefile. */
struct sources {
	const struct hosts_table *tables[2];
};

static struct sources sources_of(struct hosts *h)
{
	return (struct sources){
		{ atomic_load_explicit(&h->file_table, memory_order_acquire), h->inline_table } };
}

static struct hosts_cursor addresses(const struct sources *s, size_t i, struct name n, uint16_t type)
{
	if (!s->tables[i] || (type != TYPE_A && type != TYPE_AAAA))
		return (struct hosts_cursor){ NULL, 0 };
	return hosts_find_addresses(s->tables[i], n, type == TYPE_A ? 4 : 16);
}

/* The addresses that were asked for, of both tables; false if there are none. */
static bool find_addresses(const struct sources *s, const struct query *q, struct hosts_cursor found[2])
{
	for (size_t i = 0; i < 2; i++)
		found[i] = addresses(s, i, q->name, query_type(q));
	return found[0].at || found[1].at;
}

static bool name_exists(const struct sources *s, struct name n)
{
	for (size_t i = 0; i < 2; i++) {
		if (addresses(s, i, n, TYPE_A).at || addresses(s, i, n, TYPE_AAAA).at)
			return true;
	}
	return false;
}

static void add_answer(struct query *q, uint32_t ttl, struct view rdata)
{
	reply_add(q, SECTION_ANSWER, q->name, query_type(q), ttl, rdata);
}

static int answer_addresses(const struct hosts *h, struct query *q, struct hosts_cursor found[2])
{
	reply_new(q, RCODE_NOERROR, REPLY_AA);
	for (size_t i = 0; i < 2; i++) {
		struct view address;
		while (hosts_next_address(&found[i], &address))
			add_answer(q, h->ttl, address);
	}
	return RCODE_NOERROR;
}

static int answer_pointers(struct plugin *self, struct query *q, const struct sources *s)
{
	struct hosts *h = self->state;
	uint8_t address[16];
	struct name n;
	size_t octets = reverse_address(q->name, address);
	for (size_t i = 0; octets && i < 2; i++) {
		struct hosts_cursor c = { NULL, 0 };
		if (s->tables[i])
			c = hosts_find_names(s->tables[i], address, octets);
		if (c.at && !q->reply)
			reply_new(q, RCODE_NOERROR, REPLY_AA);
		while (hosts_next_name(&c, &n))
			add_answer(q, h->ttl, (struct view){ (const char *)n.octets, n.length });
	}
	return q->reply ? RCODE_NOERROR : next(self, q);
}

/* The lines of a Corefile are too few to wait for. */
static void hosts_foresee(struct plugin *self, const struct foreseen *questions, unsigned count)
{
	struct hosts_ahead ahead[FORESEEN_MAX];
	const struct sources s = sources_of(self->state);
	if (!s.tables[0])
		return;
	for (unsigned i = 0; i < count; i++)
		ahead[i] = hosts_table_foresee(s.tables[0], questions[i].name);
	for (unsigned i = 0; i < count; i++)
		hosts_table_go_ahead(ahead[i]);
}

static int hosts_serve(struct plugin *self, struct query *q)
{
	struct hosts *h = self->state;
	struct sources s = sources_of(h);
	struct name zone;
	uint16_t type = query_type(q);
	if (type == TYPE_PTR)
		return answer_pointers(self, q, &s);
	if (!zones_match(h->zones, h->zone_count, q->name, &zone))
		return next(self, q);
	bool passes = h->had_fallthrough && fallthrough_applies(&h->fallthrough, q->name);
	if (type != TYPE_A && type != TYPE_AAAA && h->passes_unsupported && passes)
		return next(self, q);
	struct hosts_cursor found[2];
	if (find_addresses(&s, q, found) || name_exists(&s, q->name))
		return answer_addresses(h, q, found);
	query_why(q, "no entry has this name");
	return passes ? next(self, q) : RCODE_SERVFAIL;
}

static const struct option options[] = {
	{ .name = "ttl",
		.arguments = "SECONDS",
		.fallback = "3600",
		.help = "of all answers, 1 to 65535",
		.read = read_ttl },
	{ .name = "no_reverse",
		.help = "answers no PTR from the entries",
		.read = read_no_reverse },
	{ .name = "reload",
		.arguments = "DURATION",
		.fallback = "5s",
		.help = "how often to look whether the file has changed; 0 is never",
		.read = read_reload },
	{ .name = "fallthrough",
		.arguments = "[ZONES...]",
		.help = "passes names that have no entry to the next plugin",
		.read = read_fallthrough },
	{ .name = "fallthrough_unsupported",
		.help = "passes queries for other types than A, AAAA and PTR to the next plugin",
		.read = read_passes_unsupported },
	{ .name = "*",
		.arguments = "ADDRESS NAME...",
		.help = "a line of hosts, in the Corefile itself; these stand before fallthrough",
		.read = read_line },
	{ 0 },
};

static const char *hosts_source(const struct plugin *self, struct query *q)
{
	struct hosts *h = self->state;
	const struct hosts_table *t = atomic_load_explicit(&h->file_table, memory_order_acquire);
	return t ? arena_printf(q->arena, "%zu entries of %s", hosts_table_entries(t), h->path)
		 : arena_printf(q->arena, "%s was not read", h->path);
}

PLUGIN(hosts) = {
	.name = "hosts",
	.arguments = "[FILE [ZONES...]]",
	.help = "answers A, AAAA and PTR from a hosts file",
	.about = "FILE is /etc/hosts where none is given. Only names inside ZONES (the block's, where none are given) are "
		 "taken over. A name that begins with \"*.\" stands for any one label in its place.\n\n"
		 "The file is read again when its time or size has changed; while it cannot be read, what was read last goes on "
		 "answering.",
	.options = options,
	.metrics = metrics,
	.state_size = sizeof(struct hosts),
	.once = true,
	.init = hosts_init,
	.setup = hosts_setup,
	.finish = hosts_finish,
	.start = hosts_start,
	.foresee = hosts_foresee,
	.serve = hosts_serve,
	.source = hosts_source,
};
