/* The options of a stanza. */
#include "plugins/kubernetes/instance.h"

#include "base/file.h"
#include "dns/reverse.h"
#include "net/resolvconf.h"
#include "plugins/kubernetes/selector.h"
#include "server/block.h"
#include "server/hooks.h"
#include "server/sandbox.h"
#include <stdlib.h>

enum { TTL_DEFAULT = 5, TTL_MAX = 3600, RESOLVCONF_MAX = 1 << 16 };

static struct kube_instance *instance_of(const struct setup *s)
{
	return ((struct kube_instances *)s->state)->reading;
}

void kube_instances_init(struct setup *s)
{
	struct kube_instances *all = s->state;
	all->last = &all->first;
}

bool kube_instances_setup(struct setup *s)
{
	struct kube_instances *all = s->state;
	struct kube_instance *k = arena_new_object(s->arena, struct kube_instance);
	k->rules.ttl = TTL_DEFAULT;
	k->startup_timeout = 5 * (int64_t)NS_PER_S;
	all->reading = *all->last = k;
	all->last = &k->next;
	return args_zones(s, &k->rules.zones, &k->rules.zone_count);
}

/* --- where the API server is --- */

static bool read_endpoint(struct setup *s)
{
	struct kube_instance *k = instance_of(s);
	struct view *words;
	size_t count = args_rest(s, &words);
	if (!count)
		return setup_argument_error(s);
	k->endpoints = words;
	k->endpoint_count = count;
	return true;
}

static bool read_tls(struct setup *s)
{
	struct kube_instance *k = instance_of(s);
	struct view *words;
	if (args_rest(s, &words) != 3)
		return setup_argument_error(s);
	k->certificate = block_path(s->block, s->arena, words[0]);
	k->key = block_path(s->block, s->arena, words[1]);
	k->authorities = block_path(s->block, s->arena, words[2]);
	return true;
}

static bool read_kubeconfig(struct setup *s)
{
	struct kube_instance *k = instance_of(s);
	struct view *words;
	size_t count = args_rest(s, &words);
	if (count < 1 || count > 2)
		return setup_argument_error(s);
	k->kubeconfig = block_path(s->block, s->arena, words[0]);
	k->context = count > 1 ? words[1] : VIEW("");
	return true;
}

static bool read_limit(struct setup *s, const char *name, unsigned *to)
{
	struct view *words;
	if (args_rest(s, &words) != 1)
		return setup_argument_error(s);
	int32_t n;
	if (!view_integer(words[0], &n))
		return setup_error(s, "invalid %s \"%.*s\": strconv.Atoi: parsing \"%.*s\": invalid syntax", name,
			VIEW_ARGS(words[0]), VIEW_ARGS(words[0]));
	*to = n < 0 ? 0 : (unsigned)n;
	return n >= 0 || setup_error(s, "%s must be >= 0", name);
}

static bool read_qps(struct setup *s)
{
	double *to = &instance_of(s)->limits.per_second;
	struct view *words;
	char *end;
	if (args_rest(s, &words) != 1)
		return setup_argument_error(s);
	const char *text = arena_string(s->arena, words[0]);
	*to = strtod(text, &end);
	if (end == text || *end)
		return setup_error(s,
			"invalid apiserver_qps \"%s\": strconv.ParseFloat: parsing \"%s\": invalid syntax", text,
			text);
	return *to >= 0 || setup_error(s, "apiserver_qps must be >= 0");
}

static bool read_burst(struct setup *s)
{
	return read_limit(s, "apiserver_burst", &instance_of(s)->limits.burst);
}

static bool read_max_inflight(struct setup *s)
{
	return read_limit(s, "apiserver_max_inflight", &instance_of(s)->limits.in_flight);
}

static bool read_startup_timeout(struct setup *s)
{
	struct kube_instance *k = instance_of(s);
	struct view *words;
	const char *why;
	if (!args_rest(s, &words))
		return setup_argument_error(s);
	if (duration_parse(s->arena, words[0], &k->startup_timeout, &why))
		return true;
	return setup_error_plain(
		s, "failed to parse startup_timeout: %.*s, %s", VIEW_ARGS(words[0]), why);
}

/* --- what is shown --- */

static bool read_namespaces(struct setup *s)
{
	struct kube_rules *rules = &instance_of(s)->rules;
	struct view *words;
	size_t count = args_rest(s, &words);
	if (!count)
		return setup_argument_error(s);
	struct view *all = arena_array(s->arena, rules->namespace_count + count, sizeof *all);
	for (size_t i = 0; i < rules->namespace_count; i++)
		all[i] = rules->namespaces[i];
	for (size_t i = 0; i < count; i++)
		all[rules->namespace_count + i] = words[i];
	rules->namespaces = all;
	rules->namespace_count += count;
	return true;
}

static bool read_selector(struct setup *s, const char *what, const char **to)
{
	struct view text = args_joined(s);
	const char *why = "";
	if (!text.length)
		return setup_argument_error(s);
	*to = kube_selector_parse(s->arena, text, &why);
	return *to || setup_error_plain(s, "unable to parse %s selector value: '%.*s': %s", what,
			      VIEW_ARGS(text), why);
}

static bool read_namespace_labels(struct setup *s)
{
	return read_selector(s, "namespace_label", &instance_of(s)->namespace_labels);
}

static bool read_labels(struct setup *s)
{
	return read_selector(s, "label", &instance_of(s)->labels);
}

static bool read_pods(struct setup *s)
{
	static const char *const modes[] = { "disabled", "insecure", "verified" };
	struct view *words;
	if (args_rest(s, &words) != 1)
		return setup_argument_error(s);
	for (int mode = KUBE_PODS_DISABLED; mode <= KUBE_PODS_VERIFIED; mode++) {
		if (view_is(words[0], modes[mode])) {
			instance_of(s)->rules.pods = (enum kube_pods)mode;
			return true;
		}
	}
	return setup_error_plain(s,
		"wrong value for pods: %.*s,  must be one of: disabled, verified, insecure",
		VIEW_ARGS(words[0]));
}

bool kube_read_ttl(struct setup *s, uint32_t *to)
{
	struct view *rest;
	int64_t ttl;
	if (!arg_integer(s, &ttl))
		return false;
	args_rest(s, &rest);
	if (ttl < 0 || ttl > TTL_MAX)
		return setup_error(s, "ttl must be in range [0, %d]: %lld", TTL_MAX, (long long)ttl);
	*to = (uint32_t)ttl;
	return true;
}

static bool read_ttl(struct setup *s)
{
	return kube_read_ttl(s, &instance_of(s)->rules.ttl);
}

static bool read_endpoint_pod_names(struct setup *s)
{
	instance_of(s)->keeping.pod_names = true;
	return arg_end(s);
}

static bool read_noendpoints(struct setup *s)
{
	instance_of(s)->no_endpoints = true;
	return arg_end(s);
}

static bool read_zonal(struct setup *s)
{
	instance_of(s)->rules.zonal = true;
	instance_of(s)->keeping.zones = true;
	return arg_end(s);
}

static bool read_fallthrough(struct setup *s)
{
	return args_fallthrough(s, &instance_of(s)->rules.fallthrough);
}

static bool read_ignore(struct setup *s)
{
	struct view *words;
	size_t count = args_rest(s, &words);
	if (!count)
		return true;
	if (!view_is(words[0], "empty_service"))
		return setup_error_plain(s, "unable to parse ignore value: '%.*s'", VIEW_ARGS(words[0]));
	instance_of(s)->rules.ignore_empty = true;
	return true;
}

static bool read_multicluster(struct setup *s)
{
	struct kube_rules *rules = &instance_of(s)->rules;
	struct view *words;
	size_t count = args_rest(s, &words);
	words_zones(s, words, count, &rules->imported_zones, &rules->imported_zone_count);
	return true;
}

static bool read_merge(struct setup *s)
{
	if (s->self->type->once)
		return setup_error(s, "merge puts the answers of several clusters together: it is an option of kubernetai");
	instance_of(s)->merge = true;
	return arg_end(s);
}

static bool read_persist(struct setup *s)
{
	struct kube_instance *k = instance_of(s);
	const struct kube_instances *all = s->state;
	struct view path;
	if (!arg_need(s, &path) || !arg_end(s))
		return false;
	const char *full = block_path(s->block, s->arena, path);
	for (const struct kube_instance *other = all->first; other; other = other->next) {
		if (other != k && other->persist && strcmp(other->persist, full) == 0)
			return setup_error(s, "persist: another cluster's state is kept in %s", full);
	}
	k->persist = full;
	return true;
}

/* --- the whole --- */

static const char *zones_text(struct setup *s, const struct kube_rules *rules)
{
	const char *all = "";
	for (size_t i = 0; i < rules->zone_count; i++)
		all = arena_printf(s->arena, "%s%s%s", all, i ? " " : "",
			name_text(s->arena, rules->zones[i]));
	return all;
}

static bool check_imported(struct setup *s, const struct kube_rules *rules)
{
	for (size_t i = 0; i < rules->imported_zone_count; i++) {
		bool known = false;
		for (size_t j = 0; j < rules->zone_count; j++)
			known |= name_equal(rules->imported_zones[i], rules->zones[j]);
		if (!known)
			return setup_error(s,
				"is not authoritative for the multicluster zone %s (authoritative zones: [%s])",
				name_text(s->arena, rules->imported_zones[i]), zones_text(s, rules));
	}
	return true;
}

static bool find_primary(struct setup *s, struct kube_rules *rules)
{
	for (size_t i = 0; i < rules->zone_count; i++) {
		if (!name_is_reverse(rules->zones[i])) {
			rules->primary = rules->zones[i];
			return true;
		}
	}
	return setup_error_plain(s, "non-reverse zone name must be used");
}

static bool check_instance(struct setup *s, struct kube_instance *k)
{
	if (k->rules.namespace_count && k->namespace_labels)
		return setup_error(s, "namespaces and namespace_labels cannot both be set");
	if (k->rules.zonal && k->no_endpoints)
		return setup_error(s, "zonal requires the endpoint cache; remove noendpoints");
	return check_imported(s, &k->rules) && find_primary(s, &k->rules);
}

static unsigned bit(enum kube_kind kind)
{
	return 1u << kind;
}

static void find_watched(struct kube_instance *k)
{
	k->watched = bit(KUBE_SERVICE) | bit(KUBE_NAMESPACE);
	if (!k->no_endpoints)
		k->watched |= bit(KUBE_SLICE);
	if (k->rules.pods == KUBE_PODS_VERIFIED)
		k->watched |= bit(KUBE_POD);
	if (k->rules.imported_zone_count)
		k->watched |= bit(KUBE_IMPORT) | bit(KUBE_IMPORT_SLICE);
	k->rules.watched = k->watched;
}

static bool find_access(struct setup *s, struct kube_instance *k, struct kube_access *access)
{
	const char *why = NULL;
	bool found;
	if (k->kubeconfig)
		found = kube_access_kubeconfig(access, s->arena, k->kubeconfig, k->context, &why);
	else if (k->endpoint_count)
		found = kube_access_endpoint(access, s->arena, k->endpoints, k->endpoint_count, k->certificate, k->key,
			k->authorities, &why);
	else
		found = kube_access_in_cluster(access, s->arena, &why);
	return found || setup_error_plain(s, "%s", why);
}

/* The sandbox knows the words of the Corefile; a kubeconfig names more files. */
static void need_files(struct setup *s, const struct kube_access *a)
{
	const char *const files[] = { a->token_file, a->tls.authorities_file, a->tls.certificate_file,
		a->tls.key_file };
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		if (files[i])
			sandbox_need(s->block->config, view_of(files[i]), false);
	}
}

static bool open_instance(struct setup *s, struct kube_instance *k)
{
	struct kube_source_settings settings = { .self = s->self,
		.watched = k->watched,
		.labels = k->labels,
		.namespace_labels = k->namespace_labels,
		.limits = k->limits,
		.persist = k->persist,
		.keeping = k->keeping };
	if (!find_access(s, k, &settings.access))
		return false;
	need_files(s, &settings.access);
	if (k->persist)
		sandbox_need(s->block->config, view_of(k->persist), true);
	if (settings.access.exec)
		hooks_begin(); /* before the sandbox closes */
	kube_find_local(&k->rules, s->block, s->arena);
	settings.keeping.labels = k->rules.pods == KUBE_PODS_VERIFIED && s->block->collects_metadata;
	k->source = kube_source_new(&settings);
	arena_on_free(s->arena, kube_source_free, k->source);
	return true;
}

/* The list that the host's own programs have: pods have it behind the names of their cluster. */
static void read_search(struct setup *s, struct kube_instances *all)
{
	struct view text;
	if (file_read(s->arena, "/etc/resolv.conf", RESOLVCONF_MAX, &text) != 0)
		return;
	struct resolvconf r = resolvconf_parse(s->arena, text);
	all->search_count = resolvconf_search_names(s->arena, &r, &all->search);
}

bool kube_instances_finish(struct setup *s)
{
	struct kube_instances *all = s->state;
	setup_secret(s);
	if (!s->checking)
		read_search(s, all);
	for (struct kube_instance *k = all->first; k; k = k->next) {
		if (!check_instance(s, k))
			return false;
		find_watched(k);
		if (!s->checking && !open_instance(s, k))
			return false;
	}
	return true;
}

const struct option kube_options[] = {
	{ .name = "endpoint",
		.arguments = "URL...",
		.help = "the API server, and others of the same cluster that stand in for it; without this and kubeconfig the one of "
			"the cluster that the server runs in",
		.read = read_endpoint },
	{ .name = "tls",
		.arguments = "CERT KEY CACERT",
		.help = "files of the client's certificate and key, and of the authorities to trust, for endpoint",
		.read = read_tls },
	{ .name = "kubeconfig",
		.arguments = "FILE [CONTEXT]",
		.help = "reaches the API server as a kubeconfig's context says; its current one where none is given",
		.read = read_kubeconfig },
	{ .name = "apiserver_qps",
		.arguments = "FLOAT",
		.fallback = "no limit",
		.help = "lists, or pages of them, that are asked for in a second; watches are not counted",
		.read = read_qps },
	{ .name = "apiserver_burst",
		.arguments = "INT",
		.fallback = "10",
		.help = "lists that may be asked for at once where apiserver_qps is set",
		.read = read_burst },
	{ .name = "apiserver_max_inflight",
		.arguments = "INT",
		.fallback = "no limit",
		.help = "requests that wait for the beginning of their answer at once",
		.read = read_max_inflight },
	{ .name = "namespaces",
		.arguments = "NAMESPACE...",
		.fallback = "all",
		.help = "shows only these namespaces",
		.read = read_namespaces },
	{ .name = "namespace_labels",
		.arguments = "SELECTOR",
		.help = "shows only namespaces with these labels",
		.read = read_namespace_labels },
	{ .name = "labels",
		.arguments = "SELECTOR",
		.help = "watches only services, endpoint slices and pods with these labels",
		.read = read_labels },
	{ .name = "pods",
		.arguments = "disabled|insecure|verified",
		.fallback = "disabled",
		.help = "names of pods by address: none, any address, or those of pods that are there",
		.read = read_pods },
	{ .name = "endpoint_pod_names",
		.help = "endpoints without a host name are called as their pods",
		.read = read_endpoint_pod_names },
	{ .name = "ttl",
		.arguments = "SECONDS",
		.fallback = "5",
		.help = "of all records, 0 to 3600",
		.read = read_ttl },
	{ .name = "noendpoints",
		.help = "does not watch endpoints: headless services have no addresses",
		.read = read_noendpoints },
	{ .name = "zonal",
		.help = "answers ZONE.pin._zone.SERVICE and ZONE.prefer._zone.SERVICE with the endpoints of a zone",
		.read = read_zonal },
	{ .name = "fallthrough",
		.arguments = "[ZONES...]",
		.help = "passes names that the cluster does not have to the next plugin",
		.read = read_fallthrough },
	{ .name = "ignore",
		.arguments = "empty_service",
		.help = "takes services without ready endpoints for not being there",
		.read = read_ignore },
	{ .name = "multicluster",
		.arguments = "[ZONES...]",
		.help = "zones, among the plugin's own, of services that are imported from other clusters",
		.read = read_multicluster },
	{ .name = "startup_timeout",
		.arguments = "DURATION",
		.fallback = "5s",
		.help = "how long the start waits for the API server's first answers",
		.read = read_startup_timeout },
	{ .name = "persist",
		.arguments = "PATH",
		.help = "keeps the cluster's last state in this file, and answers from it when a start finds no API server",
		.read = read_persist },
	{ .name = "merge",
		.help = "kubernetai: answers services with what all clusters that have this option know of them, not the first one only",
		.read = read_merge },
	{ 0 },
};
