/* The PROXY protocol in datagrams: version 2 only, one header in front of each. */
#include "net/udp_proxies.h"

#include "base/clock.h"
#include "base/log.h"
#include "net/connection_counts.h"
#include "net/proxy_sessions.h"

/* Says why a datagram is dropped, at most once a second: who sends them chooses how many. */
static bool drop(struct udp_proxies *p, const struct incoming *in, const char *why)
{
	char peer[ENDPOINT_TEXT_MAX];
	connection_count_header_refused(in->transport);
	if (p->complained_at && clock_batch() - p->complained_at < NS_PER_S)
		return false;
	p->complained_at = clock_batch();
	endpoint_print(&in->peer, peer);
	log_warning("dropping invalid Proxy Protocol packet from %s: %s", peer, why);
	return false;
}

static void remember(struct udp_proxies *p, const struct proxy_policy *policy,
	const struct incoming *in, const struct endpoint *source)
{
	if (!p->sessions)
		p->sessions = proxy_sessions_new();
	proxy_sessions_put(p->sessions, &in->peer, source, clock_batch() + policy->session_time,
		policy->sessions_max);
}

static void recall(struct udp_proxies *p, const struct proxy_policy *policy, struct incoming *in)
{
	struct endpoint source;
	uint64_t now = clock_batch();
	if (p->sessions &&
		proxy_sessions_find(p->sessions, &in->peer, now, now + policy->session_time, &source))
		in->client = source;
}

/* A header is there: takes it off. */
static bool take(struct udp_proxies *p, const struct proxy_policy *policy, enum proxy_use use,
	const struct proxy_header *h, struct incoming *in)
{
	if (h->version != 2)
		return drop(p, in, "unsupported Proxy Protocol version 1 (only v2 supported for UDP)");
	if (use == PROXY_REJECT)
		return drop(p, in, "connection rejected by Proxy Protocol connection policy");
	if (!h->names || !h->datagram)
		return drop(p, in, "PROXY Protocol header is not UDP type");
	in->wire += h->length;
	in->length -= h->length;
	if (use == PROXY_USE) {
		in->client = h->source;
		if (policy->session_time)
			remember(p, policy, in, &h->source);
	}
	return in->length > 0;
}

bool udp_proxies_take(struct udp_proxies *p, void *listener, struct incoming *in)
{
	const struct proxy_policy *policy = p->policy ? p->policy(listener) : NULL;
	enum proxy_use use = policy ? proxy_use_for(policy, &in->peer) : PROXY_SKIP;
	struct proxy_header h;
	const char *why;
	if (use == PROXY_SKIP)
		return true;
	switch (proxy_header_read(in->wire, in->length, &h, &why)) {
	case PROXY_NONE:
		if (use == PROXY_USE && policy->session_time)
			recall(p, policy, in);
		return true;
	case PROXY_HEADER:
		return take(p, policy, use, &h, in);
	case PROXY_MORE:
		return drop(p, in, "a header that is cut off");
	case PROXY_BAD:
		break;
	}
	return drop(p, in, why);
}

void udp_proxies_free(struct udp_proxies *p)
{
	proxy_sessions_free(p->sessions);
}
