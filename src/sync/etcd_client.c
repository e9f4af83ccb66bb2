/* The client: which endpoint is asked, as whom, and what its answers mean. */
#include "sync/etcd_client.h"

#include "base/memory.h"
#include "base/protobuf.h"
#include "base/text.h"
#include "net/grpc_status.h"
#include "sync/etcd_message.h"
#include "sync/grpc_call.h"
#include <stdio.h>
#include <stdlib.h>

enum {
	PAGE_KEYS = 50000, /* for each page etcd counts all keys of the range */
	ANSWER_MAX = 64 << 20, /* octets of one message: keys of a page, events of a revision */
};

static const uint64_t connect_timeout = 2 * NS_PER_S;
static const uint64_t ask_progress = 10 * NS_PER_S;
static const uint64_t silence_max = 30 * NS_PER_S;

struct endpoint_of_etcd {
	const char *url; /* without a path */
	const char *unix_socket;
};

struct etcd_client {
	struct etcd_settings settings;
	struct http_client *http;
	struct endpoint_of_etcd *endpoints;
	size_t current;    /* who answered last, and is asked first */
	struct text token; /* the header's line; empty: there is none yet */
	bool open_to_all;  /* authentication is not enabled */
};

/* --- making one --- */

static bool take_socket(struct arena *a, struct view rest, const char *url, struct endpoint_of_etcd *to)
{
	to->url = url;
	to->unix_socket = arena_string(a, rest);
	return rest.length && rest.at[0] == '/';
}

/* True if the word is an endpoint. */
static bool read_endpoint(
	struct arena *a, const struct etcd_settings *settings, struct view word, struct endpoint_of_etcd *to)
{
	static const struct view plain = VIEW("unix://"), secure = VIEW("unixs://"), scheme = VIEW("://");
	if (view_starts(word, plain))
		return take_socket(a, view_skip(word, plain.length), "http://localhost", to);
	if (view_starts(word, secure))
		return take_socket(a, view_skip(word, secure.length), "https://localhost", to);
	while (word.length && word.at[word.length - 1] == '/')
		word.length--;
	bool has_scheme = view_starts(word, VIEW("http://")) || view_starts(word, VIEW("https://"));
	to->url = has_scheme ? arena_string(a, word)
			     : arena_printf(a, "%s://%.*s", settings->tls ? "https" : "http", VIEW_ARGS(word));
	struct view host = view_skip(word, has_scheme ? view_find(word, ':') + scheme.length : 0);
	return host.length && view_find(host, '/') == host.length;
}

struct etcd_client *etcd_client_new(
	struct loop *l, struct arena *arena, const struct etcd_settings *settings, const char **why)
{
	struct endpoint_of_etcd *endpoints = arena_array(arena, settings->endpoint_count, sizeof *endpoints);
	for (size_t i = 0; i < settings->endpoint_count; i++) {
		if (!read_endpoint(arena, settings, view_of(settings->endpoints[i]), &endpoints[i])) {
			*why = arena_printf(arena, "invalid endpoint \"%s\"", settings->endpoints[i]);
			return NULL;
		}
	}
	struct http_client *http = http_client_new(l, arena, why);
	if (!http)
		return NULL;
	struct etcd_client *c = memory_array(1, sizeof *c);
	c->settings = *settings;
	c->http = http;
	c->endpoints = endpoints;
	return c;
}

void etcd_client_free(struct etcd_client *c)
{
	if (!c)
		return;
	http_client_free(c->http);
	text_free(&c->token);
	free(c);
}

/* --- one call to one endpoint --- */

struct question {
	const char *method;
	struct view message;
	bool (*take)(void *owner, struct view message);
	bool (*more)(void *owner, struct view *message);
	void *owner;
	size_t endpoint; /* who is asked */
};

static struct grpc_result perform(struct etcd_client *c, const struct question *q, bool with_token)
{
	const struct endpoint_of_etcd *to = &c->endpoints[q->endpoint];
	const char *headers[3] = { 0 };
	struct text url = { 0 };
	size_t count = 0;
	text_printf(&url, "%s/etcdserverpb.%s", to->url, q->method);
	if (with_token && c->token.length)
		headers[count++] = c->token.at;
	if (q->more) /* a member without a leader ends the watch */
		headers[count++] = "hasleader: true";
	struct grpc_call call = {
		.url = url.at,
		.unix_socket = to->unix_socket,
		.tls = c->settings.tls,
		.headers = headers,
		.message = q->message,
		.answer_max = ANSWER_MAX,
		.connect_timeout = connect_timeout,
		.timeout = q->more ? 0 : c->settings.timeout,
		.stop = c->settings.stop,
		.take = q->take,
		.more = q->more,
		.owner = q->owner,
	};
	struct grpc_result r = grpc_perform(c->http, &call);
	text_free(&url);
	return r;
}

/* --- authentication --- */

static bool take_token(void *owner, struct view message)
{
	struct etcd_client *c = owner;
	struct etcd_plain plain;
	if (!etcd_read_plain(message, &plain) || !plain.octets[2].length ||
		memchr(plain.octets[2].at, '\n', plain.octets[2].length))
		return false;
	text_clear(&c->token);
	text_printf(&c->token, "token: %.*s", VIEW_ARGS(plain.octets[2]));
	return true;
}

static struct grpc_result authenticate(struct etcd_client *c, size_t endpoint)
{
	size_t room = c->settings.user.length + c->settings.password.length + 32;
	struct protobuf_writer w = { .to = memory_alloc(room), .room = room };
	protobuf_write_octets(&w, 1, c->settings.user);
	protobuf_write_octets(&w, 2, c->settings.password);
	struct question q = { "Auth/Authenticate", { (const char *)w.to, w.length }, take_token, NULL, c, endpoint };
	struct grpc_result r = perform(c, &q, false);
	memset(w.to, 0, w.room);
	free(w.to);
	if (r.status > 0 && strstr(r.error, "authentication is not enabled")) {
		r.status = 0;
		c->open_to_all = true;
	}
	return r;
}

/* The token is not, or no longer, what etcd takes; or it takes none and wants one now. */
static bool wants_token(const struct etcd_client *c, const struct grpc_result *r)
{
	if (!c->settings.user.length || r->end != HTTP_DONE)
		return false;
	return r->status == GRPC_UNAUTHENTICATED ||
	       (r->status == GRPC_INVALID_ARGUMENT &&
		       (strstr(r->error, "auth store is old") || strstr(r->error, "user name is empty")));
}

static bool is_known(const struct etcd_client *c)
{
	return !c->settings.user.length || c->open_to_all || c->token.length;
}

static void forget_token(struct etcd_client *c)
{
	text_clear(&c->token);
	c->open_to_all = false;
}

/* Asks one endpoint, with a token where one is needed, and with another where that one is no longer taken. */
static struct grpc_result ask_one(struct etcd_client *c, const struct question *q)
{
	struct grpc_result r = { 0 };
	for (unsigned attempt = 0; attempt < 2; attempt++) {
		if (!is_known(c)) {
			r = authenticate(c, q->endpoint);
			if (r.status != 0)
				return r;
		}
		r = perform(c, q, true);
		if (!wants_token(c, &r))
			return r;
		forget_token(c);
	}
	return r;
}

/* --- one question to the cluster --- */

static bool is_away(const struct grpc_result *r)
{
	return r->end != HTTP_DONE || r->status == GRPC_UNAVAILABLE;
}

static bool is_told_to_stop(const struct etcd_client *c)
{
	return c->settings.stop && atomic_load(c->settings.stop);
}

static bool is_stopped(const struct etcd_client *c, const struct grpc_result *r)
{
	return is_told_to_stop(c) || (r->end == HTTP_GIVEN_UP && !r->too_large);
}

static struct etcd_result result_of(
	const struct etcd_client *c, const struct question *q, const struct grpc_result *r)
{
	struct etcd_result result = { .end = ETCD_REFUSED };
	if (r->end == HTTP_DONE && r->status == 0)
		return (struct etcd_result){ .end = ETCD_DONE };
	if (is_stopped(c, r))
		result.end = ETCD_STOPPED;
	else if (r->too_large)
		result.end = ETCD_REFUSED;
	else if (is_away(r))
		result.end = ETCD_AWAY;
	else if (r->status == GRPC_OUT_OF_RANGE && strstr(r->error, "compacted"))
		result.end = ETCD_COMPACTED;
	snprintf(result.error, sizeof result.error, "%s: %s", c->endpoints[q->endpoint].url, r->error);
	return result;
}

/* Asks one endpoint after the other, until one answers. */
static struct etcd_result ask(struct etcd_client *c, struct question *q, bool *too_large)
{
	struct grpc_result r = { 0 };
	struct etcd_result result = { .end = ETCD_STOPPED };
	if (is_told_to_stop(c))
		return result;
	q->endpoint = c->current;
	for (size_t tries = 0; tries < c->settings.endpoint_count; tries++) {
		r = ask_one(c, q);
		result = result_of(c, q, &r);
		if (result.end != ETCD_AWAY) {
			c->current = q->endpoint;
			break;
		}
		q->endpoint = (q->endpoint + 1) % c->settings.endpoint_count;
	}
	if (too_large)
		*too_large = r.too_large;
	return result;
}

/* --- requests --- */

/* A message of up to `octets` octets beside numbers. */
static struct protobuf_writer request_of(size_t octets)
{
	size_t room = octets + 256;
	return (struct protobuf_writer){ .to = memory_alloc(room), .room = room };
}

static struct view written(const struct protobuf_writer *w)
{
	return (struct view){ (const char *)w->to, w->length };
}

static bool take_plain(void *owner, struct view message)
{
	return etcd_read_plain(message, owner);
}

/* Sends it, and frees it. */
static struct etcd_result ask_plain(
	struct etcd_client *c, const char *method, struct protobuf_writer *w, struct etcd_plain *plain)
{
	struct question q = { method, written(w), take_plain, NULL, plain, 0 };
	*plain = (struct etcd_plain){ 0 };
	struct etcd_result r = ask(c, &q, NULL);
	free(w->to);
	return r;
}

/* --- reading --- */

struct view etcd_prefix_end(struct arena *a, struct view prefix)
{
	struct view end = arena_copy(a, prefix);
	unsigned char *octets = (unsigned char *)(uintptr_t)end.at;
	for (; end.length; end.length--) {
		if (octets[end.length - 1] == UINT8_MAX)
			continue;
		octets[end.length - 1]++;
		return end;
	}
	return (struct view){ "", 1 }; /* a zero: all keys from there on */
}

struct paging {
	etcd_taker *take;
	void *owner;
	struct etcd_page page;
	struct text next; /* the first key of the next page */
	bool malformed;
};

static bool take_page(void *owner, struct view message)
{
	struct paging *p = owner;
	p->malformed = !etcd_read_page(message, p->take, p->owner, &p->page);
	if (p->malformed || p->page.stopped)
		return false;
	if (p->page.count) {
		text_clear(&p->next);
		text_add(&p->next, p->page.last);
		text_add_char(&p->next, '\0');
	}
	return true;
}

static struct etcd_result malformed_answer(const struct etcd_client *c, size_t endpoint)
{
	struct etcd_result r = { .end = ETCD_REFUSED };
	snprintf(r.error, sizeof r.error, "%s: a malformed answer", c->endpoints[endpoint].url);
	return r;
}

static struct etcd_result ask_page(
	struct etcd_client *c, struct paging *p, struct view end, int64_t revision, uint64_t limit, bool *too_large)
{
	struct protobuf_writer w = request_of(p->next.length + end.length);
	protobuf_write_octets(&w, 1, text_view(&p->next));
	if (end.length)
		protobuf_write_octets(&w, 2, end);
	protobuf_write_number(&w, 3, limit);
	if (revision)
		protobuf_write_number(&w, 4, (uint64_t)revision);
	struct question q = { "KV/Range", written(&w), take_page, NULL, p, 0 };
	struct etcd_result r = ask(c, &q, too_large);
	free(w.to);
	return p->malformed ? malformed_answer(c, q.endpoint) : r;
}

struct etcd_result etcd_range(struct etcd_client *c, struct view key, struct view end, etcd_taker *take, void *owner,
	int64_t *revision)
{
	struct paging p = { .take = take, .owner = owner };
	struct etcd_result r;
	uint64_t limit = PAGE_KEYS;
	int64_t of = 0;
	bool too_large = false;
	text_add(&p.next, key);
	do {
		p.page = (struct etcd_page){ 0 };
		r = ask_page(c, &p, end, of, limit, &too_large);
		if (r.end == ETCD_DONE && !of)
			of = p.page.revision;
		/* Pages of large values are made shorter. */
		if (too_large && limit > 1)
			limit = 1 + limit / 8;
		else if (r.end != ETCD_DONE || !p.page.more || !p.page.count)
			break;
	} while (true);
	if (revision)
		*revision = of;
	text_free(&p.next);
	return r;
}

/* --- watching --- */

struct watching {
	struct etcd_client *client;
	struct etcd_watch *watch;
	size_t endpoint;
	struct etcd_news news;
	uint64_t heard, asked; /* when something came; when progress was asked for */
	bool says_progress, malformed, silent;
	int64_t compacted;
	char reason[160];
};

/*
 * The revision up to which everything was told. That of the header is etcd's own: events come behind it where a watch has to catch
 * up, and where it answers who asks for progress they may still be on their way.
 */
static int64_t seen_with(const struct etcd_news *news)
{
	if (news->created || news->fragment)
		return 0;
	if (news->events)
		return news->last;
	return news->of_stream ? 0 : news->revision;
}

static bool take_news(void *owner, struct view message)
{
	struct watching *w = owner;
	w->heard = clock_now();
	w->malformed = !etcd_read_news(message, w->watch, &w->news);
	if (w->malformed)
		return false;
	if (w->news.canceled) {
		w->compacted = w->news.compacted;
		snprintf(w->reason, sizeof w->reason, "%.*s", VIEW_ARGS(w->news.reason));
		forget_token(w->client); /* so are watches refused whose token is no longer known */
		return false;
	}
	/* What is older than what was seen was restored from a copy, or is another cluster. */
	if (w->news.created && w->news.revision + 1 < w->watch->from) {
		w->compacted = w->watch->from;
		return false;
	}
	w->watch->heard |= w->news.created;
	w->says_progress |= !w->news.created && !w->news.events;
	int64_t seen = seen_with(&w->news);
	if (seen >= w->watch->from)
		w->watch->from = seen + 1;
	if (w->news.events && w->watch->caught_up)
		w->watch->caught_up(w->watch->owner);
	return true;
}

/* Asks for progress now and then; gives up a server that could say it once and does not any more. */
static bool ask_for_progress(void *owner, struct view *message)
{
	static const char progress_request[] = { 3 << 3 | PROTOBUF_OCTETS, 0 };
	struct watching *w = owner;
	uint64_t now = clock_now();
	*message = VIEW("");
	w->silent = w->says_progress && now - w->heard > silence_max;
	if (w->watch->heard && now - w->asked >= ask_progress) {
		w->asked = now;
		*message = (struct view){ progress_request, sizeof progress_request };
	}
	return !w->silent;
}

static struct etcd_result watch_result(const struct watching *w, struct etcd_result r)
{
	const char *url = w->client->endpoints[w->endpoint].url;
	if (w->malformed)
		return malformed_answer(w->client, w->endpoint);
	if (is_told_to_stop(w->client))
		return r;
	if (w->silent || r.end == ETCD_DONE) {
		r.end = ETCD_AWAY;
		snprintf(r.error, sizeof r.error, "%s: %s", url, w->silent ? "silent" : "the watch has ended");
	} else if (w->compacted) {
		r.end = ETCD_COMPACTED;
		snprintf(r.error, sizeof r.error, "%s: revision %lld is not to be had", url, (long long)w->watch->from);
	} else if (w->news.canceled) {
		r.end = ETCD_REFUSED;
		snprintf(r.error, sizeof r.error, "%s: %s", url, w->reason);
	}
	return r;
}

/* WatchRequest with a WatchCreateRequest in it. */
static struct protobuf_writer watch_request(const struct etcd_watch *w)
{
	struct protobuf_writer create = request_of(w->key.length + w->end.length);
	protobuf_write_octets(&create, 1, w->key);
	if (w->end.length)
		protobuf_write_octets(&create, 2, w->end);
	protobuf_write_number(&create, 3, (uint64_t)w->from);
	protobuf_write_number(&create, 4, 1); /* progress_notify */
	protobuf_write_number(&create, 8, 1); /* fragment */
	struct protobuf_writer request = request_of(create.length);
	protobuf_write_octets(&request, 1, written(&create));
	free(create.to);
	return request;
}

struct etcd_result etcd_watch(struct etcd_client *c, struct etcd_watch *watch)
{
	uint64_t now = clock_now();
	struct watching w = { .client = c, .watch = watch, .heard = now, .asked = now };
	struct protobuf_writer request = watch_request(watch);
	struct question q = { "Watch/Watch", written(&request), take_news, ask_for_progress, &w, c->current };
	watch->heard = false;
	w.endpoint = q.endpoint;
	struct grpc_result grpc = ask_one(c, &q);
	struct etcd_result r = watch_result(&w, result_of(c, &q, &grpc));
	if (r.end == ETCD_AWAY)
		c->current = (q.endpoint + 1) % c->settings.endpoint_count;
	free(request.to);
	return r;
}

/* --- writing --- */

static void write_put(struct protobuf_writer *w, struct view key, struct view value, int64_t lease)
{
	protobuf_write_octets(w, 1, key);
	protobuf_write_octets(w, 2, value);
	if (lease)
		protobuf_write_number(w, 3, (uint64_t)lease);
}

struct etcd_result etcd_put(struct etcd_client *c, struct view key, struct view value, int64_t lease)
{
	struct protobuf_writer w = request_of(key.length + value.length);
	struct etcd_plain plain;
	write_put(&w, key, value, lease);
	return ask_plain(c, "KV/Put", &w, &plain);
}

struct etcd_result etcd_delete(struct etcd_client *c, struct view key)
{
	struct protobuf_writer w = request_of(key.length);
	struct etcd_plain plain;
	protobuf_write_octets(&w, 1, key);
	return ask_plain(c, "KV/DeleteRange", &w, &plain);
}

/* A message in a field of another one; frees it. */
static void write_inner(struct protobuf_writer *to, uint32_t number, struct protobuf_writer *inner)
{
	protobuf_write_octets(to, number, written(inner));
	free(inner->to);
}

/* Compare: the key's create_revision is 0, it is not there. */
static struct protobuf_writer absent(struct view key)
{
	enum { COMPARE_EQUAL = 0, COMPARE_CREATED = 1 };
	struct protobuf_writer w = request_of(key.length);
	protobuf_write_number(&w, 1, COMPARE_EQUAL);
	protobuf_write_number(&w, 2, COMPARE_CREATED);
	protobuf_write_octets(&w, 3, key);
	protobuf_write_number(&w, 5, 0);
	return w;
}

struct etcd_result etcd_create(
	struct etcd_client *c, struct view key, struct view value, int64_t lease, bool *created)
{
	size_t size = key.length + value.length;
	struct protobuf_writer put = request_of(size), step = request_of(size + 64), compare = absent(key),
			       w = request_of(size + key.length + 128);
	struct etcd_plain plain;
	write_put(&put, key, value, lease);
	write_inner(&step, 2, &put);
	write_inner(&w, 1, &compare);
	write_inner(&w, 2, &step);
	struct etcd_result r = ask_plain(c, "KV/Txn", &w, &plain);
	*created = r.end == ETCD_DONE && plain.number[2];
	return r;
}

/* --- leases --- */

struct etcd_result etcd_lease_grant(struct etcd_client *c, int64_t seconds, int64_t *lease)
{
	struct protobuf_writer w = request_of(0);
	struct etcd_plain plain;
	protobuf_write_number(&w, 1, (uint64_t)seconds);
	struct etcd_result r = ask_plain(c, "Lease/LeaseGrant", &w, &plain);
	*lease = (int64_t)plain.number[2];
	return r;
}

static struct etcd_result ask_of_lease(
	struct etcd_client *c, const char *method, int64_t lease, struct etcd_plain *plain)
{
	struct protobuf_writer w = request_of(0);
	protobuf_write_number(&w, 1, (uint64_t)lease);
	return ask_plain(c, method, &w, plain);
}

struct etcd_result etcd_lease_keep(struct etcd_client *c, int64_t lease, int64_t *seconds)
{
	struct etcd_plain plain;
	struct etcd_result r = ask_of_lease(c, "Lease/LeaseKeepAlive", lease, &plain);
	*seconds = (int64_t)plain.number[3];
	return r;
}

struct etcd_result etcd_lease_left(struct etcd_client *c, int64_t lease, int64_t *seconds, int64_t *granted)
{
	struct etcd_plain plain;
	struct etcd_result r = ask_of_lease(c, "Lease/LeaseTimeToLive", lease, &plain);
	*seconds = (int64_t)plain.number[3];
	*granted = (int64_t)plain.number[4];
	return r;
}

struct etcd_result etcd_lease_revoke(struct etcd_client *c, int64_t lease)
{
	struct etcd_plain plain;
	return ask_of_lease(c, "Lease/LeaseRevoke", lease, &plain);
}
