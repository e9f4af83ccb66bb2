/* What of QUIC is there without the module of transports. */
#include "net/quic/quic.h"

#include "base/memory.h"
#include "base/random.h"

#include <stdlib.h>

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

struct quic_shared *quic_shared_new(unsigned workers)
{
	struct quic_shared *s = memory_array(1, sizeof *s + workers * sizeof s->place[0]);
	s->references = 1;
	s->secrets = quic_secrets();
	s->workers = workers;
	return s;
}

void quic_shared_release(struct quic_shared *s)
{
	if (atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) == 1)
		free(s);
}
