/* Walks a client's search path for it: one query and one answer instead of one of each for every entry. */
#include "base/error.h"
#include "base/file.h"
#include "net/resolvconf.h"
#include "server/block.h"
#include "server/series.h"

enum { PATH_MAX_NAMES = 32, FILE_MAX = 1 << 16 };

struct autopath {
	struct name *zones;
	size_t zone_count;
	struct name *search; /* from a file; the root stands for the name as it is */
	size_t search_count;
	const char *provider; /* the plugin that knows each client's path, or NULL */
	struct plugin *plugin;
};

struct autopath_worker {
	struct series_memory series;
};

static const struct metric_family success = {
	.name = "coredns_autopath_success_total",
	.help = "Counter of requests that did autopath.",
	.kind = METRIC_COUNTER,
	.labels = { "server" },
};

static const struct metric_family *const metrics[] = { &success, NULL };

/* --- set-up --- */

static bool read_file(struct setup *s, const char *path)
{
	struct autopath *a = s->state;
	struct view text;
	int error = file_read(s->arena, path, FILE_MAX, &text);
	if (error)
		return setup_error_plain(s, "failed to parse \"%s\": open %s: %s", path, path, error_text(error));
	struct resolvconf r = resolvconf_parse(s->arena, text);
	a->search_count = resolvconf_search_names(s->arena, &r, &a->search);
	a->search[a->search_count++] = name_root;
	return true;
}

static bool autopath_setup(struct setup *s)
{
	struct autopath *a = s->state;
	struct view *words, last;
	size_t count = args_rest(s, &words);
	if (!count)
		return setup_error_plain(s, "no resolv-conf specified");
	last = words[count - 1];
	a->search_count = 0;
	a->provider = NULL;
	if (count > 1) {
		words_zones(s, words, count - 1, &a->zones, &a->zone_count);
	} else {
		a->zones = s->block->zones;
		a->zone_count = s->block->zone_count;
	}
	if (last.length && last.at[0] == '@') {
		a->provider = arena_string(s->arena, view_skip(last, 1));
		return true;
	}
	return s->checking || read_file(s, arena_string(s->arena, last));
}

static bool autopath_start(struct plugin *self, struct plugin *before)
{
	struct autopath *a = self->state;
	(void)before;
	if (!a->provider)
		return true;
	a->plugin = block_plugin(self->block, a->provider);
	if (a->plugin && !a->plugin->type->search_path)
		return start_error(self, "%s does not implement the AutoPather interface", a->provider);
	return true;
}

/* --- answers --- */

static size_t path_of(const struct autopath *a, struct query *q, struct name path[static PATH_MAX_NAMES])
{
	if (a->plugin)
		return a->plugin->type->search_path(a->plugin, q, path, PATH_MAX_NAMES);
	size_t count = a->search_count < PATH_MAX_NAMES ? a->search_count : PATH_MAX_NAMES;
	for (size_t i = 0; i < count; i++)
		path[i] = a->search[i];
	return count;
}

/* What is asked for: the client's name with the path's first entry replaced. False if it would be too long. */
static bool set_candidate(struct query *q, struct name asked, struct name first, struct name entry)
{
	struct name_buffer *room = arena_new_object(q->arena, struct name_buffer);
	if (!name_replace_suffix(asked, first, entry, room))
		return false;
	query_set_question(q, name_of(room), query_type(q), query_class(q));
	return true;
}

/* The client asked for another name than the answer has: an alias leads there. */
static void lead_from(struct query *q, struct name asked)
{
	struct message *m = reply_open(q);
	struct section *s = &m->section[SECTION_ANSWER], led = { 0 };
	size_t other = 0;
	while (other < s->count && name_equal(s->records[other].owner, asked))
		other++;
	if (other == s->count)
		return;
	struct view target = rdata_of_name(q->arena, s->records[other].owner);
	section_add(&led, q->arena,
		(struct record){ .owner = asked,
			.rdata = (const uint8_t *)target.at,
			.rdata_length = (uint16_t)target.length,
			.ttl = s->records[other].ttl,
			.type = TYPE_CNAME,
			.class = CLASS_IN });
	for (size_t i = 0; i < s->count; i++)
		section_add(&led, q->arena, s->records[i]);
	*s = led;
}

struct attempt_result {
	int rc;
	struct message *reply;
};

/* One attempt's end: whether the next entry is to be tried. */
static bool is_miss(const struct query *q)
{
	return q->reply ? q->reply->rcode == RCODE_NXDOMAIN : !q->error;
}

static int walk_path(struct plugin *self, struct query *q, const struct name *path, size_t count)
{
	struct name asked = q->request.question.name;
	struct attempt_result first = { 0 };
	for (size_t i = 0; i < count; i++) {
		if (!set_candidate(q, asked, path[0], path[i]))
			continue;
		q->reply = NULL;
		int rc = next(self, q);
		if (i == 0)
			first = (struct attempt_result){ rc, q->reply };
		if (rc == SERVE_DROP)
			return rc;
		if (is_miss(q))
			continue;
		query_set_question(q, asked, query_type(q), query_class(q));
		if (!q->reply)
			return rc;
		lead_from(q, asked);
		q->reply->question.name = asked;
		struct autopath_worker *w = worker_state(self, q);
		metric_add(series_get(&w->series, &success, q, VIEW("")), 1);
		return rc;
	}
	query_set_question(q, asked, query_type(q), query_class(q));
	q->reply = first.reply;
	return first.rc;
}

static int autopath_serve(struct plugin *self, struct query *q)
{
	const struct autopath *a = self->state;
	struct name path[PATH_MAX_NAMES], zone;
	if (!zones_match(a->zones, a->zone_count, q->name, &zone))
		return next(self, q);
	size_t count = path_of(a, q, path);
	if (!count || !name_is_under(q->name, path[0]))
		return next(self, q);
	if (name_equal(q->name, path[0]))
		return query_fail(q, RCODE_SERVFAIL, "trimzone: overshot qname: %sfor zone %s",
			name_text(q->arena, q->name), name_text(q->arena, path[0]));
	return walk_path(self, q, path, count);
}

PLUGIN(autopath) = {
	.name = "autopath",
	.arguments = "[ZONE...] RESOLV-CONF",
	.help = "walks the search path for its clients",
	.about = "A query for a name below the path's first entry is tried with each entry in turn, and answered with what is "
		 "found first. The path is the search list of RESOLV-CONF, or, for @PLUGIN, what that plugin knows of the "
		 "client: `@kubernetes` (with `pods verified`) or `@kubernetai`.",
	.metrics = metrics,
	.state_size = sizeof(struct autopath),
	.worker_size = sizeof(struct autopath_worker),
	.setup = autopath_setup,
	.start = autopath_start,
	.serve = autopath_serve,
};
