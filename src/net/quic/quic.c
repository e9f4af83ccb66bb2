/* What of QUIC is there without the module of transports. */
#include "net/quic/quic.h"

#include "base/random.h"

const struct quic_limits quic_limits_default = {
	.read = 3 * NS_PER_S,
	.idle = 10 * NS_PER_S,
	.streams = 256,
	.active = 1024,
	.connections = 1000,
	.client_connections = 500,
	.memory = 128 << 20,
};

const struct quic_secrets *quic_secrets(void)
{
	static struct quic_secrets secrets;
	static bool drawn;
	if (!drawn)
		random_fill(&secrets, sizeof secrets);
	drawn = true;
	return &secrets;
}
