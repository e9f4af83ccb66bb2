/* The server's own addresses: those that it was told to listen on, or all of the host's that others can reach. */
#include "plugins/kubernetes/instance.h"

#include "server/block.h"
#include <ifaddrs.h>

enum { ADDRESSES_MAX = 64 };

static bool is_reachable(const struct endpoint *e)
{
	const uint8_t *octets = (const uint8_t *)endpoint_address(e).at;
	if (endpoint_is_v6(e))
		return !IN6_IS_ADDR_LOOPBACK(&e->v6.sin6_addr) && !IN6_IS_ADDR_LINKLOCAL(&e->v6.sin6_addr);
	return octets[0] != IN_LOOPBACKNET;
}

static void add(struct kube_rules *rules, const struct endpoint *e)
{
	struct view octets = endpoint_address(e);
	if (rules->local_count < ADDRESSES_MAX && is_reachable(e))
		rules->local[rules->local_count++] =
			kube_address_of((const uint8_t *)octets.at, octets.length);
}

static void add_bound(struct kube_rules *rules, const struct block *b)
{
	struct endpoint e;
	for (size_t i = 0; i < b->bind_count; i++) {
		if (endpoint_parse_ip(b->bind[i], 0, &e))
			add(rules, &e);
	}
}

static void add_interfaces(struct kube_rules *rules)
{
	struct ifaddrs *all;
	if (getifaddrs(&all) != 0)
		return;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		if (!i->ifa_addr ||
			(i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
			continue;
		struct endpoint e = endpoint_from(i->ifa_addr);
		add(rules, &e);
	}
	freeifaddrs(all);
}

void kube_find_local(struct kube_rules *rules, const struct block *b, struct arena *arena)
{
	rules->local = arena_array(arena, ADDRESSES_MAX, sizeof *rules->local);
	if (b->bind_count)
		add_bound(rules, b);
	else
		add_interfaces(rules);
}
