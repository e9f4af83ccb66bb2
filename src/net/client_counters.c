/* Counting the connections of each client. */
#include "net/client_counters.h"

#include "base/hash.h"
#include "base/memory.h"

enum { COUNTERS = 4096, V6_NETWORK = 8 };

uint16_t *client_counters_new(void)
{
	return memory_array(COUNTERS, sizeof(uint16_t));
}

uint16_t *client_counter(uint16_t *counters, const struct endpoint *client)
{
	struct view address = endpoint_address(client);
	size_t length = address.length > V6_NETWORK ? V6_NETWORK : address.length;
	return &counters[hash_bytes(address.at, length) % COUNTERS];
}
