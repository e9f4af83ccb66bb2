/* On which addresses a server block listens. */
#include "server/block.h"

#include "base/error.h"
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>

enum { ADDRESSES_MAX = 4096 };

/* A run of addresses that grows in the arena. */
struct address_list {
	struct view *at;
	size_t count, capacity;
};

struct bind {
	struct address_list addresses;
	size_t line; /* where those of the line that is being read start */
	struct ifaddrs *interfaces;
	bool listed;
};

static void free_interfaces(void *interfaces)
{
	freeifaddrs(interfaces);
}

/* The list is asked for with the first word that is no address: thousands of blocks need not pay for it. */
static void list_interfaces(struct setup *s)
{
	struct bind *b = s->state;
	if (b->listed)
		return;
	b->listed = true;
	if (getifaddrs(&b->interfaces) != 0) {
		setup_warning(s, "failed to get interfaces list, cannot bind by interface name: %s",
			error_text(errno));
		b->interfaces = NULL;
		return;
	}
	arena_on_free(s->arena, free_interfaces, b->interfaces);
}

static void list_add(struct address_list *l, struct arena *a, struct view address)
{
	if (l->count == l->capacity) {
		size_t capacity = l->capacity ? l->capacity * 2 : 8;
		struct view *grown = arena_array(a, capacity, sizeof *grown);
		if (l->count)
			memcpy(grown, l->at, l->count * sizeof *grown);
		l->at = grown;
		l->capacity = capacity;
	}
	l->at[l->count++] = address;
}

/* The addresses of an interface; false if there is none of this name. */
static bool add_interface(struct setup *s, struct view name, struct address_list *to)
{
	const struct bind *b = s->state;
	bool known = false;
	list_interfaces(s);
	for (const struct ifaddrs *i = b->interfaces; i; i = i->ifa_next) {
		if (!view_is(name, i->ifa_name))
			continue;
		known = true;
		if (!i->ifa_addr ||
			(i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
			continue;
		struct endpoint e = endpoint_from(i->ifa_addr);
		char text[ENDPOINT_TEXT_MAX];
		size_t length = endpoint_print_ip(&e, text);
		list_add(to, s->arena, arena_copy(s->arena, (struct view){ text, length }));
	}
	return known;
}

/* The words as addresses, interfaces in the place of their names. */
static bool resolve(
	struct setup *s, const struct view *words, size_t count, struct address_list *to)
{
	struct endpoint e;
	for (size_t i = 0; i < count; i++) {
		size_t before = to->count;
		if (endpoint_parse_ip(words[i], 0, &e)) {
			list_add(to, s->arena, words[i]);
		} else if (add_interface(s, words[i], to)) {
			if (to->count == before)
				return setup_error_plain(s,
					"failed to get the IP addresses of the interface: \"%.*s\"",
					VIEW_ARGS(words[i]));
		} else {
			return setup_error_plain(s,
				"not a valid IP address or interface name: \"%.*s\"",
				VIEW_ARGS(words[i]));
		}
		if (to->count > ADDRESSES_MAX)
			return setup_error_plain(s, "more than %d addresses", ADDRESSES_MAX);
	}
	return true;
}

static bool bind_setup(struct setup *s)
{
	struct bind *b = s->state;
	struct view *words;
	size_t count = args_rest(s, &words);
	if (count == 0)
		return setup_error_plain(s, "at least one address or interface name is expected");
	b->line = b->addresses.count;
	return resolve(s, words, count, &b->addresses);
}

static bool contains(const struct address_list *l, struct view address)
{
	for (size_t i = 0; i < l->count; i++) {
		if (view_equal(l->at[i], address))
			return true;
	}
	return false;
}

static bool read_except(struct setup *s)
{
	struct bind *b = s->state;
	struct address_list out = { 0 };
	struct view *words;
	size_t count = args_rest(s, &words), kept = b->line;
	if (count == 0)
		return setup_error_plain(s,
			"at least one address or interface must be given to except subdirective");
	if (!resolve(s, words, count, &out))
		return false;
	for (size_t i = b->line; i < b->addresses.count; i++) {
		if (!contains(&out, b->addresses.at[i]))
			b->addresses.at[kept++] = b->addresses.at[i];
	}
	b->addresses.count = kept;
	return true;
}

static bool read_other(struct setup *s)
{
	return setup_error_plain(
		s, "invalid option \"%.*s\"", VIEW_ARGS(s->directive->words[s->at].text));
}

static bool bind_finish(struct setup *s)
{
	const struct bind *b = s->state;
	if (b->addresses.count == 0)
		return setup_error_plain(s, "every address is excepted, none is left to listen on");
	s->block->bind = b->addresses.at;
	s->block->bind_count = b->addresses.count;
	return true;
}

static const struct option bind_options[] = {
	{ "except", "ADDRESS|INTERFACE...", NULL, "takes addresses of the same line out again",
		read_except },
	{ "*", NULL, NULL, NULL, read_other },
	{ 0 },
};

PLUGIN(bind) = {
	.name = "bind",
	.arguments = "ADDRESS|INTERFACE...",
	.help = "listens on these addresses only, instead of on all of the machine",
	.about = "The name of an interface stands for all addresses that it has at the start. "
		 "Addresses of several lines add up.",
	.options = bind_options,
	.state_size = sizeof(struct bind),
	.setup = bind_setup,
	.finish = bind_finish,
};
