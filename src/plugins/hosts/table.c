/*
 * The table's memory is one run of 32-bit words. An offset counts words from its start; 0 is none. Keys (names, addresses) and
 * the links of their lists are what stands in it:
 *
 *   key   { octets, first, last, the octets, padded }          first and last: of its list; twice for a name, by family
 *   link  { next, value }                                      value: the key that is meant
 *
 * Every address is a key with the names that it has, every name one with the addresses that it has: an answer is a walk along
 * links. A name's list of IPv4 addresses and that of IPv6 are apart.
 */
#include "plugins/hosts/table.h"

#include "base/address.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/place_table.h"
#include "server/plugin.h"
#include <stdlib.h>

enum {
	LINE_MAX_OCTETS = 65536,
	KEY_WORDS = 5,
	LINK_WORDS = 2,
	FAMILIES = 2,
	PENDING_MAX = 32,
};

enum key_word {
	KEY_OCTETS,
	KEY_LISTS, /* first and last by family: a name's IPv4, IPv6 addresses; an address's names (the first list) */
};

struct index {
	struct place_table keys; /* their offsets */
	size_t count;
};

struct hosts_table {
	uint32_t *words;
	size_t used, capacity;
	struct index names, addresses;
	size_t entries;
	bool has_wildcards;
};

/* --- memory --- */

static uint32_t take(struct hosts_table *t, size_t words)
{
	if (t->capacity - t->used < words) {
		t->capacity = t->capacity ? t->capacity * 2 : 256;
		while (t->capacity - t->used < words)
			t->capacity *= 2;
		t->words = memory_resize(t->words, t->capacity, sizeof *t->words);
	}
	if (t->used + words > UINT32_MAX)
		memory_exhausted(words);
	uint32_t at = (uint32_t)t->used;
	memset(t->words + at, 0, words * sizeof *t->words);
	t->used += words;
	return at;
}

static const uint8_t *octets_of(const struct hosts_table *t, uint32_t key)
{
	return (const uint8_t *)(t->words + key + KEY_WORDS);
}

/* --- keys --- */

static uint32_t find_key(const struct hosts_table *t, const struct index *x, const uint8_t *octets,
	size_t length, uint64_t hash)
{
	struct place_search search = place_search(&x->keys, hash);
	uint32_t key;
	while ((key = place_next(&search)) != 0) {
		if (t->words[key + KEY_OCTETS] == length &&
			memcmp(octets_of(t, key), octets, length) == 0)
			break;
	}
	return key;
}

static void grow(struct hosts_table *t, struct index *x)
{
	struct place_table larger = place_table_new(2 * x->count);
	size_t at = 0;
	for (uint32_t key; (key = place_table_step(&x->keys, &at)) != 0;) {
		uint64_t hash = hash_own(octets_of(t, key), t->words[key + KEY_OCTETS]);
		place_table_put(&larger, hash, key);
	}
	place_table_free(&x->keys);
	x->keys = larger;
}

static uint32_t put_key(struct hosts_table *t, struct index *x, const uint8_t *octets,
	size_t length, uint64_t hash)
{
	uint32_t key = find_key(t, x, octets, length, hash);
	if (key)
		return key;
	key = take(t, KEY_WORDS + (length + 3) / 4);
	t->words[key + KEY_OCTETS] = (uint32_t)length;
	memcpy(t->words + key + KEY_WORDS, octets, length);
	if (x->count >= place_table_holds(&x->keys))
		grow(t, x);
	place_table_put(&x->keys, hash, key);
	x->count++;
	return key;
}

static void append(struct hosts_table *t, uint32_t key, unsigned list, uint32_t value)
{
	uint32_t link = take(t, LINK_WORDS);
	uint32_t *lists = t->words + key + KEY_LISTS + 2 * list;
	t->words[link + 1] = value;
	if (lists[1])
		t->words[lists[1]] = link;
	else
		lists[0] = link;
	lists[1] = link;
	t->entries++;
}

static unsigned family(size_t octets)
{
	return octets == IPV6_OCTETS;
}

/* --- reading --- */

/* An address with whatever stands behind a "%" left out; a v4-mapped one is IPv4. */
static size_t read_address(struct view word, uint8_t address[static 16])
{
	word = view_first(word, view_find(word, '%'));
	if (ipv4_parse(word, address))
		return IPV4_OCTETS;
	if (!ipv6_parse(word, address))
		return 0;
	if (!ipv6_is_mapped(address))
		return IPV6_OCTETS;
	memmove(address, address + IPV6_OCTETS - IPV4_OCTETS, IPV4_OCTETS);
	return IPV4_OCTETS;
}

/*
 * Names and their addresses on the way into the table: each is looked for in memory that was not touched for long. Some are
 * collected, so that all that waiting is done at once.
 */
struct pending {
	unsigned count;
	struct {
		uint8_t address[IPV6_OCTETS];
		size_t octets;
		struct name_buffer name;
		uint64_t address_hash, name_hash;
	} pairs[PENDING_MAX];
};

static void put_pending(struct hosts_table *t, const struct hosts_rules *rules, struct pending *p)
{
	for (unsigned i = 0; i < p->count; i++) {
		struct name n = name_of(&p->pairs[i].name);
		size_t octets = p->pairs[i].octets;
		uint32_t address = put_key(t, &t->addresses, p->pairs[i].address, octets,
			p->pairs[i].address_hash);
		uint32_t name = put_key(t, &t->names, n.octets, n.length, p->pairs[i].name_hash);
		append(t, name, family(octets), address);
		if (name_is_wildcard(n))
			t->has_wildcards = true;
		else if (rules->reverse)
			append(t, address, 0, name);
	}
	p->count = 0;
}

static void add_pair(struct hosts_table *t, const struct hosts_rules *rules, struct pending *p,
	struct name n, const uint8_t *address, size_t octets)
{
	if (p->count == PENDING_MAX)
		put_pending(t, rules, p);
	unsigned i = p->count++;
	name_lower(n, &p->pairs[i].name);
	memcpy(p->pairs[i].address, address, octets);
	p->pairs[i].octets = octets;
	p->pairs[i].address_hash = hash_own(address, octets);
	p->pairs[i].name_hash = hash_own_nocase(n.octets, n.length);
	place_table_foresee(&t->addresses.keys, p->pairs[i].address_hash);
	place_table_foresee(&t->names.keys, p->pairs[i].name_hash);
}

static void read_line(struct hosts_table *t, const struct hosts_rules *rules, struct pending *p,
	struct view line)
{
	uint8_t address[IPV6_OCTETS];
	struct name_buffer n;
	struct name zone;
	line = view_first(line, view_find(line, '#'));
	size_t octets = read_address(view_word(&line), address);
	if (!octets)
		return;
	for (struct view word; (word = view_word(&line)).length > 0;) {
		if (name_parse(word, name_root, &n) &&
			zones_match(rules->zones, rules->zone_count, name_of(&n), &zone))
			add_pair(t, rules, p, name_of(&n), address, octets);
	}
}

static size_t count_lines(struct view text)
{
	size_t lines = 1;
	for (size_t n; (n = view_find(text, '\n')) < text.length; text = view_skip(text, n + 1))
		lines++;
	return lines;
}

struct hosts_table *hosts_table_read(struct view text, const struct hosts_rules *rules)
{
	struct hosts_table *t = memory_array(1, sizeof *t);
	struct pending pending;
	struct view line;
	size_t lines = count_lines(text); /* most have one name */
	pending.count = 0;
	take(t, 1);			  /* offset 0 means none */
	t->names.keys = place_table_new(lines);
	t->addresses.keys = place_table_new(lines);
	while (view_line(&text, &line) && line.length <= LINE_MAX_OCTETS)
		read_line(t, rules, &pending, line);
	put_pending(t, rules, &pending);
	t->words = memory_resize(t->words, t->used, sizeof *t->words);
	t->capacity = t->used;
	return t;
}

void hosts_table_free(void *table)
{
	struct hosts_table *t = table;
	if (!t)
		return;
	place_table_free(&t->names.keys);
	place_table_free(&t->addresses.keys);
	free(t->words);
	free(t);
}

size_t hosts_table_entries(const struct hosts_table *t)
{
	return t->entries;
}

/* --- finding --- */

static uint32_t find_name(const struct hosts_table *t, struct name n)
{
	if (!t->names.count)
		return 0;
	return find_key(t, &t->names, n.octets, n.length, hash_own(n.octets, n.length));
}

static uint32_t list_of(const struct hosts_table *t, uint32_t key, unsigned list)
{
	return key ? t->words[key + KEY_LISTS + 2 * list] : 0;
}

struct hosts_cursor hosts_find_addresses(const struct hosts_table *t, struct name n, size_t octets)
{
	struct hosts_cursor c = { t, list_of(t, find_name(t, n), family(octets)) };
	struct name_buffer wildcard;
	if (c.at || !t->has_wildcards || name_labels(n) < 2 || !name_prepend(VIEW("*"), name_parent(n), &wildcard))
		return c;
	c.at = list_of(t, find_name(t, name_of(&wildcard)), family(octets));
	return c;
}

struct hosts_ahead hosts_table_foresee(const struct hosts_table *t, struct name n)
{
	struct hosts_ahead ahead = { t, hash_own_nocase(n.octets, n.length) };
	place_table_foresee(&t->names.keys, ahead.hash);
	return ahead;
}

void hosts_table_go_ahead(struct hosts_ahead ahead)
{
	const struct hosts_table *t = ahead.table;
	struct place_search search = place_search(&t->names.keys, ahead.hash);
	uint32_t key = place_next(&search); /* nearly always the one, where there is one */
	if (key)
		__builtin_prefetch(t->words + key);
}

struct hosts_cursor hosts_find_names(const struct hosts_table *t, const uint8_t *address, size_t octets)
{
	uint32_t key = find_key(t, &t->addresses, address, octets, hash_own(address, octets));
	return (struct hosts_cursor){ t, list_of(t, key, 0) };
}

/* Steps on; the key that the link stood for, 0 at the end. */
static uint32_t next_key(struct hosts_cursor *c)
{
	uint32_t link = c->at;
	if (!link)
		return 0;
	c->at = c->table->words[link];
	return c->table->words[link + 1];
}

bool hosts_next_address(struct hosts_cursor *c, struct view *address)
{
	uint32_t key = next_key(c);
	if (!key)
		return false;
	const uint32_t *words = c->table->words + key;
	*address = (struct view){ (const char *)octets_of(c->table, key), words[KEY_OCTETS] };
	return true;
}

bool hosts_next_name(struct hosts_cursor *c, struct name *n)
{
	uint32_t key = next_key(c);
	if (!key)
		return false;
	*n = (struct name){ octets_of(c->table, key), c->table->words[key + KEY_OCTETS] };
	return true;
}
