/* A hash table whose entries are also in a list by their last use. */
#include "net/proxy_sessions.h"

#include "base/hash.h"
#include "base/memory.h"

#include <stdlib.h>

enum { CHAINS = 4096 };

struct session {
	struct session *next;          /* in its chain */
	struct session *newer, *older; /* by last use */
	struct endpoint peer, source;
	uint64_t expires;
};

struct proxy_sessions {
	struct session *oldest, *newest;
	size_t count;
	struct session *chains[CHAINS];
};

struct proxy_sessions *proxy_sessions_new(void)
{
	return memory_array(1, sizeof(struct proxy_sessions));
}

static struct session **chain_of(struct proxy_sessions *s, const struct endpoint *peer)
{
	struct view address = endpoint_address(peer);
	uint64_t hash = hash_mix(hash_bytes(address.at, address.length), endpoint_port(peer));
	return &s->chains[hash % CHAINS];
}

static struct session **find(struct proxy_sessions *s, const struct endpoint *peer)
{
	struct session **link = chain_of(s, peer);
	while (*link && !endpoint_equal(&(*link)->peer, peer))
		link = &(*link)->next;
	return link;
}

static void list_remove(struct proxy_sessions *s, struct session *e)
{
	*(e->older ? &e->older->newer : &s->oldest) = e->newer;
	*(e->newer ? &e->newer->older : &s->newest) = e->older;
}

static void list_append(struct proxy_sessions *s, struct session *e)
{
	e->newer = NULL;
	e->older = s->newest;
	*(s->newest ? &s->newest->newer : &s->oldest) = e;
	s->newest = e;
}

static void forget(struct proxy_sessions *s, struct session **link)
{
	struct session *e = *link;
	*link = e->next;
	list_remove(s, e);
	s->count--;
	free(e);
}

void proxy_sessions_free(struct proxy_sessions *s)
{
	if (!s)
		return;
	while (s->oldest)
		forget(s, find(s, &s->oldest->peer));
	free(s);
}

void proxy_sessions_put(struct proxy_sessions *s, const struct endpoint *peer,
	const struct endpoint *source, uint64_t expires, size_t most)
{
	struct session **link = find(s, peer), *e = *link;
	if (e) {
		list_remove(s, e);
	} else {
		while (s->count && s->count >= most)
			forget(s, find(s, &s->oldest->peer));
		e = memory_array(1, sizeof *e);
		e->peer = *peer;
		link = chain_of(s, peer);
		e->next = *link;
		*link = e;
		s->count++;
	}
	e->source = *source;
	e->expires = expires;
	list_append(s, e);
}

bool proxy_sessions_find(struct proxy_sessions *s, const struct endpoint *peer, uint64_t now,
	uint64_t expires, struct endpoint *source)
{
	struct session **link = find(s, peer), *e = *link;
	if (!e)
		return false;
	if (e->expires <= now) {
		forget(s, link);
		return false;
	}
	list_remove(s, e);
	list_append(s, e);
	e->expires = expires;
	*source = e->source;
	return true;
}
