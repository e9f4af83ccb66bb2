/* The numbers by which `https`, `https3`, `quic` and `grpc_server` limit what clients may take of their listeners. */
#ifndef ISTHMUS_PLUGINS_TRANSPORT_LIMITS_H
#define ISTHMUS_PLUGINS_TRANSPORT_LIMITS_H

#include "server/block.h"

/* The option's one argument: a number from `least` (0 or 1), given once. False after an error in CoreDNS's words. */
bool transport_limit_read(
	struct setup *s, const char *option, int32_t least, struct transport_limit *to);

#endif
