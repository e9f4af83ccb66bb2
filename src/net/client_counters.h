/* How many connections each client has on a listener, by a hash of its address: few clients share a counter by chance, and none can
 * choose whose it shares. */
#ifndef ISTHMUS_NET_CLIENT_COUNTERS_H
#define ISTHMUS_NET_CLIENT_COUNTERS_H

#include "net/endpoint.h"

/* Counters of a new listener, all 0; given back with free(). */
uint16_t *client_counters_new(void);

/* The client's counter (IPv6: that of its /64). It stays at UINT16_MAX at most: that is its users' matter. */
uint16_t *client_counter(uint16_t *counters, const struct endpoint *client);

#endif
