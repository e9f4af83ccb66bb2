/*
 * Headers of version 2 of the PROXY protocol: any octets that a connection or a datagram begins with, from where the mark was found.
 * The line of version 1 is text, whose words EVA cannot follow.
 */
#include "net/proxy_protocol.c"

#include "__fc_builtin.h"

static uint8_t octets[SIZE];

int main(void)
{
	struct proxy_header h = { 0 };
	const char *why;
	Frama_C_make_unknown((char *)octets, sizeof octets);
	size_t length = Frama_C_size_t_interval(0, SIZE);
	if (read_v2(octets, length, &h, &why) != PROXY_HEADER || !h.names)
		return 0;
	return endpoint_port(&h.source) != endpoint_port(&h.destination);
}
