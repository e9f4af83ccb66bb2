/*
 * The table's memory is one run of 32-bit words. An offset counts words from its start; 0 is none. Keys (names, addresses) and
 * the links of their lists are what stands in it:
 *
 *   key   { hash, first, last, octets, the octets, padded }    first and last: of its list; twice for a name, by family
 *   link  { next, value }                                      value: the key that is meant
 *
 * Every address is a key with the names that it has, every name one with the addresses that it has: an answer is a walk along
 * links. A name's list of IPv4 addresses and that of IPv6 are apart.
 */
#include "plugins/hosts/table.h"

#include "base/address.h"
#include "base/hash.h"
#include "base/memory.h"
#include "server/plugin.h"
#include <stdlib.h>

enum {
	LINE_MAX_OCTETS = 65536,
	KEY_WORDS = 6,
	LINK_WORDS = 2,
	FAMILIES = 2,
};

enum key_word {
	KEY_HASH,
	KEY_OCTETS,
	KEY_LISTS, /* first and last by family: a name's IPv4, IPv6 addresses; an address's names (the first list) */
};

struct index {
	uint32_t *slots; /* offsets of keys, open addressing */
	size_t count, capacity;
};

struct hosts_table {
	uint32_t *words;
	size_t used, capacity;
	struct index names, addresses;
	size_t entries;
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
	size_t length, uint32_t hash)
{
	if (!x->count)
		return 0;
	for (size_t at = hash & (x->capacity - 1); x->slots[at]; at = (at + 1) & (x->capacity - 1)) {
		const uint32_t *key = t->words + x->slots[at];
		if (key[KEY_HASH] == hash && key[KEY_OCTETS] == length &&
			memcmp(octets_of(t, x->slots[at]), octets, length) == 0)
			return x->slots[at];
	}
	return 0;
}

static void place(struct index *x, uint32_t key, uint32_t hash)
{
	size_t at = hash & (x->capacity - 1);
	while (x->slots[at])
		at = (at + 1) & (x->capacity - 1);
	x->slots[at] = key;
}

static void grow(struct hosts_table *t, struct index *x)
{
	struct index bigger = { .count = x->count, .capacity = x->capacity ? x->capacity * 2 : 64 };
	bigger.slots = memory_array(bigger.capacity, sizeof *bigger.slots);
	for (size_t i = 0; i < x->capacity; i++) {
		if (x->slots[i])
			place(&bigger, x->slots[i], t->words[x->slots[i] + KEY_HASH]);
	}
	free(x->slots);
	*x = bigger;
}

static uint32_t hash_of(const uint8_t *octets, size_t length)
{
	return (uint32_t)hash_bytes(octets, length);
}

static uint32_t put_key(
	struct hosts_table *t, struct index *x, const uint8_t *octets, size_t length)
{
	uint32_t hash = hash_of(octets, length);
	uint32_t key = find_key(t, x, octets, length, hash);
	if (key)
		return key;
	key = take(t, KEY_WORDS + (length + 3) / 4);
	t->words[key + KEY_HASH] = hash;
	t->words[key + KEY_OCTETS] = (uint32_t)length;
	memcpy(t->words + key + KEY_WORDS, octets, length);
	if ((x->count + 1) * 3 > x->capacity * 2)
		grow(t, x);
	place(x, key, hash);
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

static void add_name(struct hosts_table *t, const struct hosts_rules *rules, struct view word,
	uint32_t address, size_t octets)
{
	struct name_buffer written, lower;
	struct name zone;
	if (!name_parse(word, name_root, &written))
		return;
	struct name n = name_lower(name_of(&written), &lower);
	if (!zones_match(rules->zones, rules->zone_count, n, &zone))
		return;
	uint32_t key = put_key(t, &t->names, n.octets, n.length);
	append(t, key, family(octets), address);
	if (rules->reverse && !name_is_wildcard(n))
		append(t, address, 0, key);
}

static void read_line(struct hosts_table *t, const struct hosts_rules *rules, struct view line)
{
	uint8_t address[16];
	line = view_first(line, view_find(line, '#'));
	size_t octets = read_address(view_word(&line), address);
	struct view word = view_word(&line);
	if (!octets || !word.length)
		return;
	uint32_t key = put_key(t, &t->addresses, address, octets);
	for (; word.length; word = view_word(&line))
		add_name(t, rules, word, key, octets);
}

/* Room for as many keys as there are lines: an index that grows has to visit every key again. */
static void index_reserve(struct index *x, struct view text)
{
	size_t lines = 1, capacity = 64;
	for (size_t n; (n = view_find(text, '\n')) < text.length; text = view_skip(text, n + 1))
		lines++;
	while (lines * 3 > capacity * 2)
		capacity *= 2;
	*x = (struct index){ .capacity = capacity };
	x->slots = memory_array(capacity, sizeof *x->slots);
}

struct hosts_table *hosts_table_read(struct view text, const struct hosts_rules *rules)
{
	struct hosts_table *t = memory_array(1, sizeof *t);
	struct view line;
	take(t, 1); /* offset 0 means none */
	index_reserve(&t->names, text);
	index_reserve(&t->addresses, text);
	while (view_line(&text, &line) && line.length <= LINE_MAX_OCTETS)
		read_line(t, rules, line);
	t->words = memory_resize(t->words, t->used, sizeof *t->words);
	t->capacity = t->used;
	return t;
}

void hosts_table_free(void *table)
{
	struct hosts_table *t = table;
	if (!t)
		return;
	free(t->names.slots);
	free(t->addresses.slots);
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
	return find_key(t, &t->names, n.octets, n.length, hash_of(n.octets, n.length));
}

static uint32_t list_of(const struct hosts_table *t, uint32_t key, unsigned list)
{
	return key ? t->words[key + KEY_LISTS + 2 * list] : 0;
}

struct hosts_cursor hosts_find_addresses(const struct hosts_table *t, struct name n, size_t octets)
{
	struct hosts_cursor c = { t, list_of(t, find_name(t, n), family(octets)) };
	struct name_buffer wildcard;
	if (c.at || name_labels(n) < 2 || !name_prepend(VIEW("*"), name_parent(n), &wildcard))
		return c;
	c.at = list_of(t, find_name(t, name_of(&wildcard)), family(octets));
	return c;
}

struct hosts_cursor hosts_find_names(const struct hosts_table *t, const uint8_t *address, size_t octets)
{
	uint32_t key = find_key(t, &t->addresses, address, octets, hash_of(address, octets));
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
