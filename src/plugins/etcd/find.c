/* From a name to the records that it has: paths, patterns, groups. */
#include "plugins/etcd/etcd.h"

#include "plugins/etcd/leases.h"

enum { TTL_DEFAULT = 300 };

static const uint64_t live_deadline = 5 * NS_PER_S;

/* --- names and paths --- */

/* A name as etcd has it: parts from the top down, those of the prefix first. */
struct path {
	struct view *parts;
	size_t count;
	bool is_pattern; /* one of them is a wildcard */
};

static bool is_wildcard(struct view part)
{
	return view_is(part, "*") || view_is(part, "any");
}

/* The first label as text, with the escapes that names have in keys. */
static struct view label_text(struct arena *a, struct name n)
{
	struct name_buffer alone;
	name_prepend(name_first_label(n), name_root, &alone);
	struct view text = view_of(name_text(a, name_of(&alone)));
	return view_first(text, text.length - 1);
}

static size_t count_parts(struct view text)
{
	size_t count = 1;
	for (size_t i = 0; i < text.length; i++)
		count += text.at[i] == '/';
	return count;
}

/* The next part of a text of parts; false behind the last one. */
static bool next_part(struct view *rest, struct view *part)
{
	if (!rest->at)
		return false;
	size_t length = view_find(*rest, '/');
	*part = view_first(*rest, length);
	*rest = length < rest->length ? view_skip(*rest, length + 1) : (struct view){ NULL, 0 };
	return true;
}

static struct view path_of(struct etcd_lookup *l, struct name name, struct path *p)
{
	struct arena *a = l->q->arena;
	unsigned labels = name_labels(name);
	struct view rest = l->e->prefix, part;
	char *text = arena_octets(a, l->e->prefix.length + NAME_TEXT_MAX + LABELS_MAX);
	size_t length = l->e->prefix.length;
	*p = (struct path){ .parts = arena_array(a, count_parts(rest) + labels, sizeof *p->parts) };
	memcpy(text, rest.at, length);
	while (next_part(&rest, &part))
		p->parts[p->count++] = part;
	for (unsigned n = 1; n <= labels; n++) {
		part = label_text(a, name_suffix(name, n));
		p->parts[p->count++] = part;
		p->is_pattern |= is_wildcard(part);
		if (p->is_pattern)
			continue;
		text[length++] = '/';
		memcpy(text + length, part.at, part.length);
		length += part.length;
	}
	return (struct view){ text, length };
}

/* Whether a key is what the pattern asks for, or below it. */
static bool fits(const struct path *p, struct view key)
{
	struct view part;
	for (size_t i = 0; i < p->count; i++) {
		if (!next_part(&key, &part))
			return false;
		if (!is_wildcard(p->parts[i]) && !view_equal(p->parts[i], part))
			return false;
	}
	return true;
}

/* The parts behind the prefix, the last one first. */
struct name etcd_key_name(const struct etcd_lookup *l, const struct service *s)
{
	struct view key = service_key(s), prefix = l->e->prefix;
	char *text = arena_octets(l->q->arena, key.length + 1);
	if (!view_starts(key, prefix))
		return (struct name){ NULL, 0 };
	key = view_skip(key, prefix.length);
	while (key.length && key.at[key.length - 1] == '/')
		key.length--;
	size_t end = key.length, length = 0;
	for (size_t i = key.length; i-- > 0;) {
		if (key.at[i] != '/')
			continue;
		memcpy(text + length, key.at + i + 1, end - i - 1);
		length += end - i - 1;
		text[length++] = '.';
		end = i;
	}
	return name_from_text(l->q->arena, (struct view){ text, length });
}

/* --- records --- */

struct taking {
	struct etcd_found *to;
	size_t capacity;
	bool there; /* there are keys */
};

static bool take(struct etcd_lookup *l, struct taking *t, const struct service *s)
{
	struct etcd_found *to = t->to;
	t->there = true;
	to->services = arena_grow(l->q->arena, to->services, to->count, &t->capacity, sizeof *to->services);
	to->services[to->count++] = s;
	return to->count < SERVICES_MAX;
}

/* From the version that the query sees: what is below the path, or else the key itself. */
static enum etcd_outcome find_known(struct etcd_lookup *l, struct view path, bool exact, struct taking *t)
{
	if (!l->known) {
		l->error = "etcd has not been heard yet";
		return ETCD_UNKNOWN;
	}
	if (!exact) {
		char *text = arena_octets(l->q->arena, path.length + 1);
		memcpy(text, path.at, path.length);
		text[path.length] = '/';
		struct view prefix = { text, path.length + 1 };
		const struct service *s = sorted_first(l->known, service_key_of, prefix);
		while (s && view_starts(service_key(s), prefix) && take(l, t, s))
			s = sorted_next(l->known, service_key(s));
	}
	if (t->there)
		return ETCD_FOUND;
	const struct service *s = sorted_find(l->known, service_key_of, path);
	if (s)
		take(l, t, s);
	return s ? ETCD_FOUND : ETCD_NO_NAME;
}

/* Asks etcd, and waits for what the control thread hears from it. */
static enum etcd_outcome find_live(struct etcd_lookup *l, struct view path, bool exact, struct taking *t)
{
	struct etcd_ask *ask = etcd_ask_new(l->e->source, path, exact);
	if (!errand_run(l->self, l->q, &ask->errand, etcd_ask_run, live_deadline)) {
		l->error = "context deadline exceeded";
		return ETCD_UNKNOWN;
	}
	if (ask->error[0]) {
		l->error = ask->error;
		return ETCD_UNKNOWN;
	}
	for (size_t i = 0; i < ask->count; i++)
		take(l, t, ask->services[i]);
	return ask->count ? ETCD_FOUND : ETCD_NO_NAME;
}

/* Keeps those that the type can use. False if there is nothing but what cannot be read. */
static bool keep_fitting(struct etcd_lookup *l, const struct path *p, uint16_t type, struct etcd_found *found)
{
	const struct service *broken = NULL;
	size_t kept = 0;
	for (size_t i = 0; i < found->count; i++) {
		const struct service *s = found->services[i];
		if (p->is_pattern && !fits(p, service_key(s)))
			continue;
		if (s->broken)
			broken = s;
		else if (s->host_length || (type == TYPE_TXT && s->text_length))
			found->services[kept++] = s;
	}
	found->count = kept;
	if (!kept && broken)
		l->error = arena_printf(
			l->q->arena, "%.*s: its value is no record", VIEW_ARGS(service_key(broken)));
	return kept || !broken;
}

static size_t slashes(const struct service *s)
{
	return count_parts(service_key(s));
}

/*
 * Groups, as SkyDNS has them: the group of the key nearest to the top rules, unless it has none; another group on the same
 * level voids them.
 */
static void keep_group(struct arena *a, struct etcd_found *found)
{
	if (!found->count)
		return;
	struct view group = service_group(found->services[0]);
	size_t level = slashes(found->services[0]), kept = 0;
	for (size_t i = 1; i < found->count; i++) {
		size_t n = slashes(found->services[i]);
		if (n >= level)
			continue;
		group = service_group(found->services[i]);
		if (!group.length)
			return;
		level = n;
	}
	if (!group.length)
		return;
	const struct service **fitting = arena_array(a, found->count, sizeof *fitting);
	for (size_t i = 0; i < found->count; i++) {
		struct view of = service_group(found->services[i]);
		if (!of.length || view_equal(of, group))
			fitting[kept++] = found->services[i];
		else if (slashes(found->services[i]) == level)
			return;
	}
	*found = (struct etcd_found){ fitting, kept };
}

enum etcd_outcome etcd_find(
	struct etcd_lookup *l, struct name name, uint16_t type, bool exact, struct etcd_found *found)
{
	struct path p;
	struct taking t = { .to = found };
	struct view path = path_of(l, name, &p);
	*found = (struct etcd_found){ 0 };
	enum etcd_outcome outcome =
		l->e->live ? find_live(l, path, exact, &t) : find_known(l, path, exact, &t);
	if (outcome != ETCD_FOUND)
		return outcome;
	if (!keep_fitting(l, &p, type, found))
		return ETCD_UNKNOWN;
	keep_group(l->q->arena, found);
	return ETCD_FOUND;
}

/* A lease whose end is not known, or that is over as far as is known, may yet have been renewed: its keys are there. */
uint32_t etcd_ttl(const struct etcd_lookup *l, const struct service *s)
{
	if (!s->lease)
		return s->ttl ? s->ttl : TTL_DEFAULT;
	uint32_t left = lease_left(s->lease);
	if (left > l->e->lease_max)
		left = l->e->lease_max;
	if (left < l->e->lease_min)
		left = l->e->lease_min;
	return s->ttl && s->ttl < left ? s->ttl : left;
}
