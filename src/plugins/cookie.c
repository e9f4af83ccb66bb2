/* DNS cookies (RFC 7873, RFC 9018): lets clients show that they are where their address says. */
#include "base/clock.h"
#include "base/encoding.h"
#include "base/epoch.h"
#include "base/memory.h"
#include "base/random.h"
#include "dns/cookie.h"
#include "server/plugin.h"
#include <stdatomic.h>
#include <stdlib.h>

enum { STATES = COOKIE_AGED + 1 };

static const uint64_t lifetime = 24 * 3600 * NS_PER_S; /* of a secret that is drawn; RFC 7873 7.1: at most 36 days */

struct cookie {
	struct cookie_secrets given; /* by the Corefile; none: drawn ones */
	bool require;
};

struct cookie_worker {
	struct metric *requests[STATES];
};

static const struct metric_family requests_total = {
	.name = "isthmus_cookie_requests_total",
	.help = "Counter of queries with a COOKIE option, by what it was worth.",
	.kind = METRIC_COUNTER,
	.labels = { "cookie" },
};

static const struct metric_family *const metrics[] = { &requests_total, NULL };

static const char *const state_names[STATES] = {
	[COOKIE_MALFORMED] = "malformed",
	[COOKIE_CLIENT_ONLY] = "client_only",
	[COOKIE_INVALID] = "invalid",
	[COOKIE_VALID] = "valid",
	[COOKIE_AGED] = "aged",
};

/* --- secrets that are drawn: of the process, so that a reload changes nothing --- */

struct drawn {
	struct cookie_secrets secrets;
	uint64_t since;
};

static _Atomic(struct drawn *) drawn; /* replaced by the control thread */

static void draw(void)
{
	struct drawn *before = atomic_load(&drawn), *d = memory_array(1, sizeof *d);
	random_fill(d->secrets.secret[0], SIPHASH_KEY_OCTETS);
	d->secrets.count = 1;
	d->since = clock_now();
	if (before) {
		memcpy(d->secrets.secret[1], before->secrets.secret[0], SIPHASH_KEY_OCTETS);
		d->secrets.count = 2;
	}
	atomic_store_explicit(&drawn, d, memory_order_release);
	if (before)
		epoch_retire(before, free);
}

/* One task for each block with drawn secrets: the first that wakes up draws. */
static void draw_daily(struct plugin *self, void *data)
{
	(void)data;
	for (;;) {
		uint64_t due = atomic_load(&drawn)->since + lifetime, now = clock_now();
		if (due <= now)
			draw();
		else if (!task_sleep(self, due - now))
			return;
	}
}

/* --- set-up --- */

static bool add_secret(struct setup *s, struct view word)
{
	setup_secret(s);
	struct cookie *c = s->state;
	if (c->given.count == COOKIE_SECRETS_MAX)
		return setup_error(s, "more than %d secrets", COOKIE_SECRETS_MAX);
	struct decoding d = { .to = c->given.secret[c->given.count], .room = SIPHASH_KEY_OCTETS };
	if (!hex_decode(&d, word) || !hex_decoded(&d) || d.length != SIPHASH_KEY_OCTETS)
		return setup_error(s, "a secret has 32 hexadecimal digits");
	c->given.count++;
	return true;
}

static bool read_secret(struct setup *s)
{
	struct view word;
	if (!arg_need(s, &word))
		return false;
	do {
		if (!add_secret(s, word))
			return false;
	} while (arg_next(s, &word));
	return true;
}

static bool cookie_finish(struct setup *s)
{
	const struct cookie *c = s->state;
	if (!c->given.count && !atomic_load(&drawn))
		draw();
	return true;
}

static bool cookie_start(struct plugin *self, struct plugin *before)
{
	(void)before;
	const struct cookie *c = self->state;
	if (!c->given.count)
		task_start(self, draw_daily, NULL);
	return true;
}

/* --- serving --- */

static void count(struct cookie_worker *w, enum cookie_state state)
{
	if (!w->requests[state])
		w->requests[state] = metric_get(
			&requests_total, (struct view[]){ view_of(state_names[state]) });
	metric_add(w->requests[state], 1);
}

/* Passes a query on without its cookie, which is for us alone; the reply has none of an upstream's. */
static int pass_on(struct plugin *self, struct query *q)
{
	edns_option_remove(&q->request.edns, q->arena, OPTION_COOKIE);
	int rcode = next(self, q);
	if (q->reply && q->reply->edns.present)
		edns_option_remove(&q->reply->edns, q->arena, OPTION_COOKIE);
	return rcode;
}

/* Over a stream the address has been shown already (RFC 7873 5.2.3). */
static bool is_refused(const struct cookie *c, const struct query *q, enum cookie_state state)
{
	return c->require && !query_is_stream(q) &&
	       (state == COOKIE_CLIENT_ONLY || state == COOKIE_INVALID);
}

static int refuse(struct query *q, uint16_t rcode)
{
	reply_new(q, rcode, 0);
	return rcode;
}

static int cookie_serve(struct plugin *self, struct query *q)
{
	const struct cookie *c = self->state;
	uint8_t fresh[COOKIE_OCTETS];
	struct view option, address = endpoint_address(&q->client);
	if (!edns_option_find(&q->request.edns, OPTION_COOKIE, &option))
		return q->request.edns.present ? pass_on(self, q) : next(self, q);
	const struct cookie_secrets *secrets = c->given.count ? &c->given : &atomic_load(&drawn)->secrets;
	uint32_t now = (uint32_t)clock_wall_seconds();
	enum cookie_state state = cookie_check(secrets, option, address, now);
	count(worker_state(self, q), state);
	if (state == COOKIE_MALFORMED) {
		edns_option_remove(&q->request.edns, q->arena, OPTION_COOKIE);
		return refuse(q, RCODE_FORMERR);
	}
	if (state == COOKIE_VALID)
		memcpy(fresh, option.at, COOKIE_OCTETS);
	else
		cookie_make(secrets, option, address, now, fresh);
	int rcode = is_refused(c, q, state) ? refuse(q, RCODE_BADCOOKIE) : pass_on(self, q);
	if (!q->reply && serve_is_error(rcode))
		reply_new(q, (uint16_t)rcode, 0);
	if (q->reply)
		edns_option_set(reply_edns(q), q->arena, OPTION_COOKIE,
			arena_copy(q->arena, (struct view){ (const char *)fresh, COOKIE_OCTETS }));
	return rcode;
}

static const struct option options[] = {
	{ .name = "secret",
		.arguments = "SECRET...",
		.fallback = "drawn at the start, and a new one each day",
		.help = "128 bits in 32 hexadecimal digits, the same for all servers behind one address; the first "
			"makes cookies, those made with the others are still taken",
		.read = read_secret },
	{ .name = "require",
		.help = "over UDP, answers a COOKIE option without a valid server cookie by BADCOOKIE and "
			"the cookie to come back with",
		.offset = offsetof(struct cookie, require) },
	{ 0 },
};

PLUGIN(cookie) = {
	.name = "cookie",
	.help = "answers DNS cookies (RFC 7873) with server cookies of RFC 9018",
	.about = "A client that sends a COOKIE option gets one back that shows, when it comes with the next query, that the "
		 "client gets what is sent to its address. A cookie is good for an hour; the last half of it, the "
		 "client is given another one. Queries without the option are answered as ever, one with an option "
		 "of a wrong length gets FORMERR.\n\n"
		 "To change a secret of several servers: add the new one behind the old one everywhere, then put it in "
		 "front of it everywhere, then, an hour later, take the old one out.\n\n"
		 "Cookies are between a client and this server: they are not sent to upstreams, and upstreams' "
		 "not to clients. Without this plugin a client's option is sent back to it unchanged, as by CoreDNS.",
	.options = options,
	.metrics = metrics,
	.state_size = sizeof(struct cookie),
	.worker_size = sizeof(struct cookie_worker),
	.once = true,
	.finish = cookie_finish,
	.start = cookie_start,
	.serve = cookie_serve,
};
