/* Connection ids (RFC 9000 5.1) of all connections of a listener: a hash table, keyed against
 * floods. */
#ifndef ISTHMUS_NET_QUIC_IDS_H
#define ISTHMUS_NET_QUIC_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QUIC_ID_MAX = 20 };

struct quic_id {
	struct quic_id *next;	 /* in its bucket */
	struct quic_id *sibling; /* of the same owner */
	void *owner;
	uint8_t length;
	uint8_t octets[QUIC_ID_MAX];
};

/* Zeroed is empty. */
struct quic_ids {
	struct quic_id **buckets;
	size_t count, capacity; /* capacity: a power of two, or 0 */
};

/* Whose id it is; NULL if it is nobody's. */
void *quic_ids_find(const struct quic_ids *ids, const uint8_t *octets, size_t length);

/* Adds an id of at most QUIC_ID_MAX octets, in front of the owner's list. */
void quic_ids_add(struct quic_ids *ids, void *owner, struct quic_id **list, const uint8_t *octets,
	size_t length);

/* Removes one id of the owner's list, if it is there. */
void quic_ids_remove(
	struct quic_ids *ids, struct quic_id **list, const uint8_t *octets, size_t length);

/* Removes all of the list. */
void quic_ids_remove_all(struct quic_ids *ids, struct quic_id **list);

/* Frees the table, which must be empty. */
void quic_ids_free(struct quic_ids *ids);

#endif
