/* What of QUIC is there without the module of transports. */
#include "net/quic/quic.h"

#include "base/random.h"

const struct quic_limits quic_limits_default = {
	.read = 3 * NS_PER_S,
	.idle = 10 * NS_PER_S,
	.streams = 256,
	.active = 1024,
	.connections = 4096,
	.memory = 64 << 20,
};

void quic_keys_draw(struct quic_keys *keys)
{
	random_fill(keys, sizeof *keys);
}
