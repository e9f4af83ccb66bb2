/* The table of connection ids. */
#include "net/quic/ids.h"

#include "base/hash.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { CAPACITY_FIRST = 64 };

static struct quic_id **bucket_of(const struct quic_ids *ids, const uint8_t *octets, size_t length)
{
	return &ids->buckets[hash_bytes(octets, length) & (ids->capacity - 1)];
}

static bool is(const struct quic_id *id, const uint8_t *octets, size_t length)
{
	return id->length == length && memcmp(id->octets, octets, length) == 0;
}

void *quic_ids_find(const struct quic_ids *ids, const uint8_t *octets, size_t length)
{
	if (!ids->count)
		return NULL;
	for (const struct quic_id *id = *bucket_of(ids, octets, length); id; id = id->next)
		if (is(id, octets, length))
			return id->owner;
	return NULL;
}

static void grow(struct quic_ids *ids)
{
	struct quic_ids larger = { .count = ids->count,
		.capacity = ids->capacity ? 2 * ids->capacity : CAPACITY_FIRST };
	larger.buckets = memory_array(larger.capacity, sizeof *larger.buckets);
	for (size_t i = 0; i < ids->capacity; i++) {
		struct quic_id *next;
		for (struct quic_id *id = ids->buckets[i]; id; id = next) {
			struct quic_id **bucket = bucket_of(&larger, id->octets, id->length);
			next = id->next;
			id->next = *bucket;
			*bucket = id;
		}
	}
	free(ids->buckets);
	*ids = larger;
}

void quic_ids_add(struct quic_ids *ids, void *owner, struct quic_id **list, const uint8_t *octets,
	size_t length)
{
	if (ids->count == ids->capacity)
		grow(ids);
	struct quic_id *id = memory_array(1, sizeof *id);
	struct quic_id **bucket = bucket_of(ids, octets, length);
	id->owner = owner;
	id->length = (uint8_t)length;
	memcpy(id->octets, octets, length);
	id->next = *bucket;
	*bucket = id;
	id->sibling = *list;
	*list = id;
	ids->count++;
}

/* Takes the id that *link of its owner's list leads to out of both. */
static void take_out(struct quic_ids *ids, struct quic_id **link)
{
	struct quic_id *id = *link, **at = bucket_of(ids, id->octets, id->length);
	*link = id->sibling;
	while (*at != id)
		at = &(*at)->next;
	*at = id->next;
	ids->count--;
	free(id);
}

void quic_ids_remove(
	struct quic_ids *ids, struct quic_id **list, const uint8_t *octets, size_t length)
{
	while (*list && !is(*list, octets, length))
		list = &(*list)->sibling;
	if (*list)
		take_out(ids, list);
}

void quic_ids_remove_all(struct quic_ids *ids, struct quic_id **list)
{
	while (*list)
		take_out(ids, list);
}

void quic_ids_free(struct quic_ids *ids)
{
	free(ids->buckets);
	*ids = (struct quic_ids){ 0 };
}
