/* What of QUIC is there without the module of transports. */
#include "net/quic/quic.h"

#include "base/random.h"

const struct quic_limits quic_limits_default = {
	.read = 3 * NS_PER_S,
	.idle = 10 * NS_PER_S,
	.streams = 256,
	.active = 1024,
	.connections = 10000,
	.memory = 64 << 20,
};

void quic_shared_begin(struct quic_shared *s)
{
	random_fill(s->token, sizeof s->token);
	random_fill(s->reset, sizeof s->reset);
	atomic_store(&s->connections, 0);
}
