/* Counts queries and replies of its block's zones, and serves all of the server's metrics over
 * HTTP. */
#include "base/memory.h"
#include "plugins/prometheus/process.h"
#include "server/accounting.h"
#include "server/admin.h"
#include "server/listener.h"
#include <stdlib.h>

struct prometheus {
	const char *address;
	const char *tls_config; /* NULL: plain HTTP */
	bool runtime_metrics;
	struct admin_mount *mount;
	const struct name *zones; /* of the block */
	struct view *zone_texts;  /* as labels, then "." for a name under none of them */
	size_t zone_count;
	struct plugin *finder; /* the block's plugin that finds zones of its own, or NULL */
};

/* A worker's accounts for one listener of the block: one a zone, and one for ".". */
struct listener_accounts {
	struct listener_accounts *next;
	const struct listener *listener;
	struct name_buffer found; /* the zone of `finder` that was counted last; length 0: none yet */
	struct account *of_found;
	struct account *by_zone[];
};

struct prometheus_worker {
	struct listener_accounts *listeners;
};

static const struct metric_family plugin_enabled = {
	.name = "coredns_plugin_enabled",
	.help = "A metric that indicates whether a plugin is enabled on per server and zone basis.",
	.kind = METRIC_GAUGE,
	.labels = { "server", "zone", "view", "name" },
};

static const struct metric_family build_info = {
	.name = "coredns_build_info",
	.help = "A metric with a constant '1' value labeled by version, revision, and goversion "
		"from which "
		"CoreDNS was built.",
	.kind = METRIC_GAUGE,
	.labels = { "version", "revision", "goversion" },
};

static const struct metric_family *const metrics[] = { &plugin_enabled, &build_info, NULL };

/* --- set-up --- */

static void prometheus_init(struct setup *s)
{
	struct prometheus *p = s->state;
	p->address = "localhost:9153";
}

static bool prometheus_setup(struct setup *s)
{
	struct prometheus *p = s->state;
	return admin_args_address(s, &p->address);
}

static bool read_tls(struct setup *s)
{
	struct prometheus *p = s->state;
	struct view file;
	if (p->tls_config)
		return setup_error(s, "tls block already specified");
	if (!arg_need(s, &file))
		return false;
	p->tls_config = arena_string(s->arena, file);
	return setup_error_plain(s,
		"tls: metrics over TLS are not built into this version; '%s' would have no effect",
		p->tls_config);
}

static bool prometheus_finish(struct setup *s)
{
	struct prometheus *p = s->state;
	p->zone_count = block_zones(s->block, &p->zones);
	p->zone_texts = arena_array(s->arena, p->zone_count + 1, sizeof *p->zone_texts);
	for (size_t i = 0; i < p->zone_count; i++)
		p->zone_texts[i] = view_of(name_text(s->arena, p->zones[i]));
	p->zone_texts[p->zone_count] = VIEW(".");
	return true;
}

/* --- the page --- */

static void metrics_page(void *unused, struct admin_page *page)
{
	(void)unused;
	page->content_type = "text/plain; version=0.0.4; charset=utf-8";
	metrics_write(&page->body);
}

/* The first plugin of the block that finds zones while it runs. */
static struct plugin *zone_finder(const struct block *b)
{
	struct plugin *p = b->chain;
	while (p && !p->type->zone_above)
		p = p->next;
	return p;
}

static bool prometheus_start(struct plugin *self, struct plugin *before)
{
	(void)before;
	struct prometheus *p = self->state;
	struct text why = { 0 };
	p->finder = zone_finder(self->block);
	p->mount = admin_mount(p->address, "/metrics", metrics_page, NULL, &why);
	if (!p->mount)
		start_error(self, "%s", why.at);
	text_free(&why);
	process_metrics_start();
	metric_set(metric_get(&build_info,
			   (struct view[]){ VIEW(ISTHMUS_VERSION), VIEW(""), VIEW("") }),
		1);
	return p->mount != NULL;
}

static void prometheus_stop(struct plugin *self)
{
	struct prometheus *p = self->state;
	admin_unmount(p->mount);
	p->mount = NULL;
}

/* The first instance of the configuration: it empties what all of them fill. */
static bool is_first(const struct plugin *self)
{
	const struct block *b = self->block->config->blocks;
	while (!block_plugin(b, self->type->name))
		b = b->next;
	return block_plugin(b, self->type->name) == self;
}

/* Whether it is a listener of the block's first key: there is one for each address that the block is bound to. */
static bool has_first_key(const struct endpoint_group *g, const struct block *b)
{
	const struct key *key = &b->source->keys[0];
	if (g->scheme != key->scheme || strcmp(g->port, key->port) != 0)
		return false;
	const struct zone_entry *e = zone_map_exact(&g->zones, key->zone);
	for (size_t i = 0; e && i < e->block_count; i++) {
		if (e->blocks[i] == b)
			return true;
	}
	return false;
}

static void prometheus_started(struct plugin *self)
{
	const struct prometheus *p = self->state;
	const struct block *b = self->block;
	if (is_first(self))
		metric_family_clear(&plugin_enabled);
	for (const struct endpoint_group *g = b->config->groups; g; g = g->next) {
		if (!has_first_key(g, b))
			continue;
		for (const struct plugin *h = b->chain; h; h = h->next)
			metric_set(metric_get(&plugin_enabled,
					   (struct view[]){ view_of(g->name), p->zone_texts[0],
						   b->view_name, view_of(h->type->name) }),
				1);
	}
}

/* --- counting --- */

static struct listener_accounts *accounts_new(
	const struct prometheus *p, struct prometheus_worker *w, const struct query *q)
{
	size_t size =
		sizeof(struct listener_accounts) + (p->zone_count + 1) * sizeof(struct account *);
	struct listener_accounts *l = memory_array(1, size);
	l->listener = q->listener;
	l->next = w->listeners;
	w->listeners = l;
	return l;
}

/* The longest zone of the block that qname is under; their number is that of ".". */
static size_t zone_index(const struct prometheus *p, struct name qname)
{
	size_t longest = p->zone_count;
	for (size_t i = 0; i < p->zone_count; i++) {
		if (name_is_under(qname, p->zones[i]) &&
			(longest == p->zone_count || p->zones[i].length > p->zones[longest].length))
			longest = i;
	}
	return longest;
}

/* Zones that are found come and go: only the last one is remembered, by name. */
static struct account *account_of_found(
	struct listener_accounts *l, const struct query *q, struct name zone)
{
	if (!l->found.length || !name_equal(name_of(&l->found), zone)) {
		name_lower(zone, &l->found);
		l->of_found = account_get(
			query_server(q), view_of(name_text(q->arena, zone)), query_view(q));
	}
	return l->of_found;
}

static struct account *account_of(const struct plugin *self, const struct query *q)
{
	const struct prometheus *p = self->state;
	struct prometheus_worker *w = worker_state(self, q);
	struct listener_accounts *l = w->listeners;
	while (l && l->listener != q->listener)
		l = l->next;
	if (!l)
		l = accounts_new(p, w, q);
	size_t zone = zone_index(p, q->name);
	struct name found;
	if (p->finder && p->finder->type->zone_above(p->finder, q->name, &found) &&
		(zone == p->zone_count || found.length > p->zones[zone].length))
		return account_of_found(l, q, found);
	if (!l->by_zone[zone])
		l->by_zone[zone] = account_get(query_server(q), p->zone_texts[zone], query_view(q));
	return l->by_zone[zone];
}

static int prometheus_serve(struct plugin *self, struct query *q)
{
	struct account *a = account_of(self, q);
	struct account_request request = account_note(q);
	int rcode = next(self, q);
	request.type = query_type(q);
	const struct plugin *writer = q->reply ? q->answered_by : NULL;
	account_query(a, q, &request, serve_is_error(rcode) ? (uint16_t)rcode : RCODE_NOERROR,
		writer ? view_of(writer->type->name) : VIEW(""));
	return rcode;
}

static void prometheus_worker_stop(struct plugin *self, void *worker_state)
{
	(void)self;
	struct prometheus_worker *w = worker_state;
	while (w->listeners) {
		struct listener_accounts *l = w->listeners;
		w->listeners = l->next;
		free(l);
	}
}

static const struct option options[] = {
	{ .name = "runtime_metrics",
		.help = "accepted for the sake of existing Corefiles: there is no Go run-time to "
			"report on",
		.offset = offsetof(struct prometheus, runtime_metrics) },
	{ .name = "tls",
		.arguments = "WEB_CONFIG_FILE",
		.help = "metrics over TLS: not built into this version",
		.read = read_tls },
	{ 0 },
};

PLUGIN(prometheus) = {
	.name = "prometheus",
	.arguments = "[ADDRESS]",
	.help = "counts queries and replies, and serves metrics to Prometheus at /metrics",
	.about = "ADDRESS is where /metrics is served (default localhost:9153); several blocks may "
		 "name the same. "
		 "Names, labels and buckets are CoreDNS's; the label plugin of "
		 "coredns_dns_responses_total names "
		 "the plugin that wrote the reply. Values survive a reload.",
	.options = options,
	.metrics = metrics,
	.state_size = sizeof(struct prometheus),
	.worker_size = sizeof(struct prometheus_worker),
	.once = true,
	.init = prometheus_init,
	.setup = prometheus_setup,
	.finish = prometheus_finish,
	.start = prometheus_start,
	.started = prometheus_started,
	.stop = prometheus_stop,
	.worker_stop = prometheus_worker_stop,
	.serve = prometheus_serve,
};
