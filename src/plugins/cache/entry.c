/* Entries: one block of memory each, aligned so that the table has room for marks in its pointers.
 */
#include "plugins/cache/entry.h"

#include "base/hash.h"
#include "base/memory.h"
#include "plugins/cache/table.h"
#include <stdlib.h>

static uint64_t hash_of(uint64_t name, uint16_t type, uint16_t class, bool wants_dnssec,
	bool checking_disabled)
{
	uint64_t rest = (uint64_t)type << 32 | (uint64_t)class << 16 | (uint64_t)wants_dnssec << 1 |
			checking_disabled;
	return hash_mix(name, rest);
}

uint64_t cache_hash_of(const struct foreseen *question)
{
	return hash_of(name_hash(question->name), question->type, question->class,
		question->wants_dnssec, question->checking_disabled);
}

struct cache_key cache_key_of(const struct query *q)
{
	struct cache_key key = {
		.name = q->name,
		.type = query_type(q),
		.class = query_class(q),
		.wants_dnssec = query_wants_dnssec(q),
		.checking_disabled = (q->request.flags & FLAG_CD) != 0,
	};
	key.hash = hash_of(name_hash(key.name), key.type, key.class, key.wants_dnssec,
		key.checking_disabled);
	return key;
}

struct cache_key cache_entry_key(const struct cache_entry *e)
{
	return (struct cache_key){
		.name = { e->form.wire + HEADER_SIZE, e->name_length },
		.hash = e->hash,
		.type = e->type,
		.class = e->class,
		.wants_dnssec = e->wants_dnssec,
		.checking_disabled = e->checking_disabled,
	};
}

bool cache_entry_is(const struct cache_entry *e, const struct cache_key *key)
{
	return e->hash == key->hash && e->type == key->type && e->class == key->class &&
	       e->wants_dnssec == key->wants_dnssec &&
	       e->checking_disabled == key->checking_disabled &&
	       e->name_length == key->name.length &&
	       memcmp(e->form.wire + HEADER_SIZE, key->name.octets, key->name.length) == 0;
}

static struct cache_entry *entry_alloc(size_t octets)
{
	return memory_aligned(ENTRY_ALIGNMENT, sizeof(struct cache_entry) + octets);
}

/* Puts the octets that `form` and `wildcard` view behind the entry. */
static void take_octets(struct cache_entry *e, const struct encoded *form, struct view wildcard)
{
	size_t offsets = form->ttl_count * sizeof form->ttl_at[0];
	uint8_t *wire = e->octets + offsets, *end = wire + form->length;
	e->form = *form;
	e->form.ttl_at = (const uint16_t *)(const void *)e->octets;
	e->form.wire = wire;
	memcpy(e->octets, form->ttl_at, offsets);
	memcpy(wire, form->wire, form->length);
	if (wildcard.length)
		memcpy(end, wildcard.at, wildcard.length);
	e->wildcard = (struct view){ (const char *)end, wildcard.length };
}

static size_t octets_of(const struct encoded *form, struct view wildcard)
{
	return form->ttl_count * sizeof form->ttl_at[0] + form->length + wildcard.length;
}

struct cache_entry *cache_entry_new(const struct message *m, const struct cache_key *key,
	enum kind kind, uint32_t ttl, struct arena *scratch, struct view wildcard)
{
	struct message kept = *m;
	struct encoded form;
	kept.question.name = key->name;
	if (!message_encode(&kept, scratch, &form))
		return NULL;
	struct cache_entry *e = entry_alloc(octets_of(&form, wildcard));
	e->hash = key->hash;
	e->type = key->type;
	e->class = key->class;
	e->name_length = (uint16_t)key->name.length;
	e->wants_dnssec = key->wants_dnssec;
	e->checking_disabled = key->checking_disabled;
	e->kind = (uint8_t)kind;
	e->authenticated = (m->flags & FLAG_AD) != 0;
	e->recursive = (m->flags & FLAG_RA) != 0;
	e->rcode = m->rcode;
	e->ttl = ttl;
	e->stored = clock_batch();
	take_octets(e, &form, wildcard);
	return e;
}

struct cache_entry *cache_entry_copy(const struct cache_entry *e)
{
	struct cache_entry *copy = entry_alloc(octets_of(&e->form, e->wildcard));
	memcpy(copy, e, offsetof(struct cache_entry, form));
	take_octets(copy, &e->form, e->wildcard);
	return copy;
}

void cache_entry_free(void *entry)
{
	struct cache_entry *e = entry;
	free(e->good);
	free(e);
}
