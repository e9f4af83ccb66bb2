/* Buffers for datagrams that come in: mapped many at once, and only the pages that a datagram fills are ever resident. */
#ifndef ISTHMUS_NET_DATAGRAM_H
#define ISTHMUS_NET_DATAGRAM_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { DATAGRAM_MAX = 65535 };

struct datagram_slab;

/* A datagram as it came. The odd size spreads them over cache sets. */
struct datagram {
	struct datagram *next; /* while it is spare */
	struct datagram_slab *slab;
	struct sockaddr_in6 peer;
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	socklen_t control_length;
	unsigned length; /* while it is pending */
	uint8_t wire[DATAGRAM_MAX];
	uint8_t apart[257];
};

/* One thread's. Zeroed is empty. */
struct datagram_pool {
	struct datagram *spare; /* the one used last first */
	struct datagram_slab *slabs;
};

struct datagram *datagram_take(struct datagram_pool *p);
void datagram_put(struct datagram_pool *p, struct datagram *d);

/* Gives back the memory that only spare datagrams are in, but for a little. */
void datagram_pool_trim(struct datagram_pool *p);

/* Gives all memory back, whoever uses it. */
void datagram_pool_free(struct datagram_pool *p);

#endif
