/*
 * The rounds of a watch. First the list as a stream of events, which ends with a mark and goes on as a watch; where the server
 * does not have that, the list in pages and then a watch. A watch that ends is begun anew from the version that was seen last; only a
 * server that does not have that version any more is asked for the list again.
 */
#include "plugins/kubernetes/source_parts.h"

#include "base/random.h"
#include "server/block.h"
#include "sync/url.h"
#include <stdio.h>

enum {
	WATCH_SECONDS_MIN = 300, /* a server is asked to end a watch after 5 to 10 minutes */
	PAGE_ITEMS = 500,
	RETRIES_MAX = 10,        /* of a request that the server puts off by Retry-After */
	RETRY_AFTER_MAX_S = 30,
	FEW_FAILURES = 60,       /* as many as some two minutes have */
};

static const uint64_t connect_timeout = 30 * NS_PER_S;
static const uint64_t list_silence = 30 * NS_PER_S;
/* Servers send a bookmark about once a minute: one that is silent for so long is dead, whatever its connection says. */
static const uint64_t watch_silence = 150 * NS_PER_S;
/* A server that takes the parameters for a list as events and ignores them sends no mark. */
static const uint64_t mark_timeout = 10 * NS_PER_S;
static const uint64_t short_watch = NS_PER_S;
static const uint64_t refused_interval = 60 * NS_PER_S;

/* How a request ended, as far as the next step depends on it. */
enum outcome {
	OUTCOME_DONE,
	OUTCOME_AGAIN,   /* nobody there, or told to wait: the same again after a pause */
	OUTCOME_GONE,    /* the version is not there any more (or not yet): without one */
	OUTCOME_FAILED,
	OUTCOME_STOPPED, /* the task is to end */
};

static bool is_stopping(const struct kube_watch *w)
{
	return atomic_load(&w->source->settings.self->block->config->stopping);
}

/* --- reading --- */

static void remember_version(struct kube_watch *w, struct view version)
{
	if (!version.length)
		return;
	text_clear(&w->version);
	text_add(&w->version, version);
	w->version_gone = false;
}

static void list_done(struct kube_watch *w)
{
	kube_index_list_end(w->source->index, w->kind);
	w->listed = true;
	w->listing = false;
	w->gone = false;
	w->failures = 0;
	kube_source_listed(w->source, w->kind);
}

/* Until the mark comes a list in events is not whole, and its objects' versions say nothing. */
static bool is_list(const struct kube_watch *w)
{
	return !w->watching || (w->initial && !w->ended_list);
}

static bool on_bookmark(struct kube_watch *w, const struct kube_object *o)
{
	if (!is_list(w) || o->list_ends)
		remember_version(w, o->version);
	if (o->list_ends && w->initial && !w->ended_list) {
		w->ended_list = true;
		w->request->silence = watch_silence;
		list_done(w);
	}
	return true;
}

static bool on_object(void *owner, enum kube_event event, const struct kube_object *o)
{
	struct kube_watch *w = owner;
	struct kube_source *s = w->source;
	w->events++;
	w->heard = clock_batch();
	if (!kube_source_healthy(w->source))
		kube_source_judge(w->source);
	if (event == KUBE_BOOKMARK)
		return on_bookmark(w, o);
	w->listing = !w->listed;
	if (event == KUBE_DELETED)
		kube_index_delete(s->index, o);
	else
		kube_index_put(s->index, o);
	if (!is_list(w)) {
		remember_version(w, o->version);
		kube_source_time(s, o);
	}
	return true;
}

static bool on_status(void *owner, const struct kube_status *status)
{
	struct kube_watch *w = owner;
	w->status.there = true;
	w->status.code = status->code;
	w->status.too_large = status->version_too_large;
	snprintf(w->status.reason, sizeof w->status.reason, "%.*s", VIEW_ARGS(status->reason));
	snprintf(w->status.message, sizeof w->status.message, "%.*s", VIEW_ARGS(status->message));
	return false;
}

/* A request counts as one in flight until there is an answer: a watch's may go on for ever. */
static void answer_begins(struct kube_watch *w)
{
	if (w->in_flight)
		kube_budget_give_back(&w->source->budget);
	w->in_flight = false;
}

static bool on_head(void *owner, long status, struct view type)
{
	static const struct view protobuf = { "application/vnd.kubernetes.protobuf", 35 };
	struct kube_watch *w = owner;
	struct kube_reader reader = { on_object, on_status, w };
	w->http_status = status;
	answer_begins(w);
	kube_decoder_free(w->decoder);
	w->decoder = kube_decoder_new(view_starts(type, protobuf) ? KUBE_PROTOBUF : KUBE_JSON, w->kind,
		w->watching && status == 200, &reader);
	return true;
}

static bool on_octets(void *owner, struct view octets)
{
	struct kube_watch *w = owner;
	bool goes_on = kube_decoder_feed(w->decoder, octets);
	if (w->http_status != 200)
		return true; /* an error's text may be anything */
	kube_source_changed(w->source);
	return goes_on;
}

/* --- asking --- */

static const char *const paths[KUBE_KINDS] = {
	[KUBE_SERVICE] = "/api/v1/services",
	[KUBE_SLICE] = "/apis/discovery.k8s.io/v1/endpointslices",
	[KUBE_NAMESPACE] = "/api/v1/namespaces",
	[KUBE_POD] = "/api/v1/pods",
	[KUBE_IMPORT] = "/apis/multicluster.x-k8s.io/v1alpha1/serviceimports",
	[KUBE_IMPORT_SLICE] = "/apis/discovery.k8s.io/v1/endpointslices",
};

static const char *const type_names[KUBE_KINDS] = {
	[KUBE_SERVICE] = "*v1.Service",
	[KUBE_SLICE] = "*v1.EndpointSlice",
	[KUBE_NAMESPACE] = "*v1.Namespace",
	[KUBE_POD] = "*v1.Pod",
	[KUBE_IMPORT] = "*v1alpha1.ServiceImport",
	[KUBE_IMPORT_SLICE] = "*v1.EndpointSlice",
};

static void add_selectors(const struct kube_watch *w, struct text *url)
{
	const struct kube_source_settings *settings = &w->source->settings;
	const char *labels = w->kind == KUBE_NAMESPACE ? settings->namespace_labels : settings->labels;
	if (w->kind == KUBE_IMPORT_SLICE) {
		struct text all = { 0 };
		text_printf(&all, "%s%smulticluster.kubernetes.io/service-name", labels ? labels : "",
			labels ? "," : "");
		url_add_parameter(url, "labelSelector", text_view(&all));
		text_free(&all);
	} else if (labels) {
		url_add_parameter(url, "labelSelector", view_of(labels));
	}
	if (w->kind == KUBE_POD)
		url_add_parameter(url, "fieldSelector",
			VIEW("status.phase!=Succeeded,status.phase!=Failed,status.phase!=Unknown"));
}

static void begin_url(const struct kube_watch *w, struct text *url)
{
	text_printf(url, "%s%s", kube_source_server(w->source)->url, paths[w->kind]);
	add_selectors(w, url);
}

static void add_number(struct text *url, const char *name, long number)
{
	char text[24];
	snprintf(text, sizeof text, "%ld", number);
	url_add_parameter(url, name, view_of(text));
}

static void watch_url(const struct kube_watch *w, bool initial, struct text *url)
{
	begin_url(w, url);
	url_add_parameter(url, "allowWatchBookmarks", VIEW("true"));
	if (w->version.length && !(initial && w->version_gone))
		url_add_parameter(url, "resourceVersion", text_view(&w->version));
	if (initial) {
		url_add_parameter(url, "resourceVersionMatch", VIEW("NotOlderThan"));
		url_add_parameter(url, "sendInitialEvents", VIEW("true"));
	}
	add_number(url, "timeoutSeconds", WATCH_SECONDS_MIN + (long)random_below(WATCH_SECONDS_MIN));
	url_add_parameter(url, "watch", VIEW("true"));
}

/* The page that `token` leads to; the first one without. */
static void list_url(const struct kube_watch *w, struct view token, struct text *url)
{
	begin_url(w, url);
	bool from_version = w->version.length && !w->version_gone;
	if (token.length) {
		url_add_parameter(url, "continue", token);
	}
	if (token.length || !from_version)
		add_number(url, "limit", PAGE_ITEMS);
	if (!token.length && !w->version_gone)
		url_add_parameter(
			url, "resourceVersion", from_version ? text_view(&w->version) : VIEW("0"));
}

/* Why nothing was sent. */
static struct http_result not_sent(const char *why)
{
	struct http_result result = { .end = HTTP_FAILED };
	snprintf(result.error, sizeof result.error, "%s", why);
	return result;
}

static struct http_result send_as(struct kube_watch *w, const char *url, const struct kube_identity *identity)
{
	struct kube_source *s = w->source;
	const struct kube_access *access = &s->settings.access;
	const struct kube_server *server = kube_source_server(s);
	const char *headers[KUBE_HEADERS_MAX + 4], **h = headers;
	bool custom = w->kind == KUBE_IMPORT;
	*h++ = custom ? "Accept: application/json"
		      : "Accept: application/vnd.kubernetes.protobuf, application/json";
	*h++ = "User-Agent: isthmus/" ISTHMUS_VERSION;
	if (identity->authorization && server->secure)
		*h++ = identity->authorization;
	for (const char *const *more = access->headers; *more; more++)
		*h++ = *more;
	*h = NULL;
	struct http_request r = {
		.url = url,
		.headers = headers,
		.tls = &identity->tls,
		.proxy = access->proxy,
		.connect_to = server->connect_to,
		.connect_timeout = connect_timeout,
		.silence = !w->watching ? list_silence : w->initial ? mark_timeout : watch_silence,
		.stop = &s->settings.self->block->config->stopping,
		.head = on_head,
		.receive = on_octets,
		.owner = w,
	};
	w->request = &r;
	struct http_result result = http_perform(s->client, &r);
	w->request = NULL;
	kube_source_count_request(s, result.status);
	if (!result.status && !is_stopping(w))
		kube_source_server_failed(s, server);
	return result;
}

static struct http_result ask_once(struct kube_watch *w, const char *url)
{
	struct kube_source *s = w->source;
	const char *why;
	w->events = 0;
	w->http_status = 0;
	w->status.there = w->status.too_large = false;
	w->status.code = 0;
	struct kube_identity *identity = kube_identity_take(&s->credentials, &why);
	if (!identity)
		return not_sent(why);
	if (!kube_budget_take(&s->budget, &s->settings.limits, s->settings.self, !w->watching)) {
		kube_identity_drop(identity);
		return not_sent("stopped");
	}
	w->in_flight = true;
	struct http_result result = send_as(w, url, identity);
	answer_begins(w);
	kube_identity_drop(identity);
	return result;
}

/* As ask_once(), as often as the server puts it off. */
static struct http_result ask(struct kube_watch *w, const char *url)
{
	struct http_result result = ask_once(w, url);
	for (unsigned i = 0; i < RETRIES_MAX; i++) {
		bool put_off = (result.status == 429 || result.status >= 500) && result.retry_after > 0;
		long after = result.retry_after < RETRY_AFTER_MAX_S ? result.retry_after : RETRY_AFTER_MAX_S;
		if (!put_off || !task_sleep(w->source->settings.self, (uint64_t)after * NS_PER_S))
			break;
		result = ask_once(w, url);
	}
	return result;
}

/* --- pauses and complaints --- */

/* Some one to one and a half seconds at first, so that a server that is back is noticed soon; later more. */
static bool pause_between(struct kube_watch *w)
{
	kube_source_judge(w->source);
	uint64_t base = ++w->failures < FEW_FAILURES ? 800 * NS_PER_MS : 10 * NS_PER_S;
	uint64_t jitter = base * random_below(1000) / 1000;
	return task_sleep(w->source->settings.self, base + (w->failures > 1 ? jitter : jitter / 4));
}

static void say_failed(struct kube_watch *w, const char *what, const char *why)
{
	plugin_error(w->source->settings.self, "Failed to watch: %s%s%s: %s", what, *what ? " " : "",
		*what ? type_names[w->kind] : "", why);
}

static void say_refused(struct kube_watch *w)
{
	uint64_t now = clock_now();
	if (w->refused_said && now - w->refused_said < refused_interval)
		return;
	w->refused_said = now;
	plugin_warning(w->source->settings.self, "%s: connection refused by %s", type_names[w->kind],
		kube_source_server(w->source)->host);
}

static const char *reason_of(const struct kube_watch *w, const struct http_result *r)
{
	static char text[768];
	if (w->status.there)
		snprintf(text, sizeof text, "%s", w->status.message);
	else if (r->status && r->status != 200)
		snprintf(text, sizeof text, "the server answers with status %ld", r->status);
	else if (w->decoder && kube_decoder_error(w->decoder))
		snprintf(text, sizeof text, "%s", kube_decoder_error(w->decoder));
	else
		snprintf(text, sizeof text, "Get \"%s%s\": %s", kube_source_server(w->source)->url, paths[w->kind],
			r->error);
	return text;
}

static bool is_gone(const struct kube_watch *w, const struct http_result *r)
{
	return r->status == 410 || (w->status.there && (w->status.code == 410 || w->status.too_large ||
						strcmp(w->status.reason, "Expired") == 0 ||
						strcmp(w->status.reason, "Gone") == 0));
}

static enum outcome outcome_of(struct kube_watch *w, const struct http_result *r)
{
	if (is_stopping(w))
		return OUTCOME_STOPPED;
	if (r->end == HTTP_REFUSED) {
		say_refused(w);
		return OUTCOME_AGAIN;
	}
	if (r->status == 401)
		kube_credentials_refused(&w->source->credentials);
	if (r->status == 429 || (w->status.there && w->status.code == 429))
		return OUTCOME_AGAIN;
	if (is_gone(w, r))
		return OUTCOME_GONE;
	/* A server that is only just back need not list everything again. */
	if (w->watching && !w->initial && (r->status == 0 || r->status >= 500)) {
		say_failed(w, "", reason_of(w, r));
		return OUTCOME_AGAIN;
	}
	if (r->status != 200 || w->status.there)
		return OUTCOME_FAILED;
	return OUTCOME_DONE;
}

/* --- the steps of a round --- */

/* Whether the answer is what it must be at its end. */
static bool is_whole(struct kube_watch *w, const struct http_result *r)
{
	return r->end == HTTP_DONE && w->decoder && kube_decoder_complete(w->decoder);
}

/* Lists in pages. */
static enum outcome list_pages(struct kube_watch *w)
{
	struct text url = { 0 }, version = { 0 }, token = { 0 };
	enum outcome outcome;
	kube_index_list_begin(w->source->index, w->kind);
	w->watching = false;
	do {
		text_clear(&url);
		list_url(w, text_view(&token), &url);
		struct http_result r = ask(w, url.at);
		outcome = outcome_of(w, &r);
		if (outcome == OUTCOME_DONE && !is_whole(w, &r))
			outcome = OUTCOME_FAILED;
		if (outcome == OUTCOME_FAILED)
			say_failed(w, "failed to list", reason_of(w, &r));
		if (outcome != OUTCOME_DONE)
			break;
		w->heard = clock_now();
		if (!version.length)
			text_add(&version, kube_decoder_version(w->decoder));
		text_clear(&token);
		text_add(&token, kube_decoder_continue(w->decoder));
	} while (token.length);
	if (outcome == OUTCOME_DONE) {
		remember_version(w, text_view(&version));
		list_done(w);
	}
	w->listing = false;
	text_free(&url);
	text_free(&version);
	text_free(&token);
	return outcome;
}

/* A watch from what was seen last on, or, if `initial`, one that brings the list first. */
static enum outcome watch_once(struct kube_watch *w, bool initial, uint64_t *lasted)
{
	struct text url = { 0 };
	uint64_t began = clock_now();
	watch_url(w, initial, &url);
	w->watching = true;
	w->initial = initial;
	w->ended_list = false;
	if (initial)
		kube_index_list_begin(w->source->index, w->kind);
	struct http_result r = ask(w, url.at);
	enum outcome outcome = outcome_of(w, &r);
	*lasted = clock_now() - began;
	w->listing = false;
	if (outcome == OUTCOME_DONE && w->decoder && kube_decoder_error(w->decoder))
		outcome = OUTCOME_FAILED;
	if (outcome == OUTCOME_FAILED && !initial)
		say_failed(w, "", reason_of(w, &r));
	text_free(&url);
	return outcome;
}

/* Watches until something else than watching is called for. */
static enum outcome keep_watching(struct kube_watch *w)
{
	for (;;) {
		uint64_t lasted;
		enum outcome outcome = watch_once(w, false, &lasted);
		if (outcome == OUTCOME_DONE && lasted >= short_watch) {
			w->failures = 0;
			continue;
		}
		if (outcome == OUTCOME_DONE && w->events)
			continue;
		if (outcome != OUTCOME_AGAIN)
			return outcome;
		if (!pause_between(w))
			return OUTCOME_STOPPED;
	}
}

/* The list as events. OUTCOME_FAILED: to be listed in pages. */
static enum outcome list_as_events(struct kube_watch *w)
{
	uint64_t lasted;
	if (w->no_streaming)
		return OUTCOME_FAILED;
	enum outcome outcome = watch_once(w, true, &lasted);
	if (outcome != OUTCOME_DONE || w->ended_list)
		return outcome;
	if (lasted >= mark_timeout || (lasted < short_watch && !w->events)) {
		w->no_streaming = lasted >= mark_timeout;
		return OUTCOME_FAILED;
	}
	return OUTCOME_AGAIN;
}

static enum outcome round_once(struct kube_watch *w)
{
	enum outcome outcome = list_as_events(w);
	if (outcome == OUTCOME_FAILED)
		outcome = list_pages(w);
	if (outcome != OUTCOME_DONE)
		return outcome;
	return keep_watching(w);
}

void kube_watch_run(struct kube_watch *w)
{
	for (;;) {
		enum outcome outcome = round_once(w);
		if (outcome == OUTCOME_STOPPED)
			break;
		/* First the list must not be older than what was seen; if the server cannot do that, whatever it has. */
		bool at_once = outcome == OUTCOME_GONE && w->gone;
		w->version_gone |= at_once;
		w->gone |= outcome == OUTCOME_GONE;
		if (!at_once && !pause_between(w))
			break;
	}
	kube_decoder_free(w->decoder);
	w->decoder = NULL;
	text_free(&w->version);
}
