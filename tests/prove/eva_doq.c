/* The framing of DNS over QUIC: any octets of a stream, any number of them, whether more are to come or not. */
#include "net/quic/doq_framing.c"

#include "__fc_builtin.h"

static char octets[SIZE];

int main(void)
{
	Frama_C_make_unknown(octets, sizeof octets);
	struct view all = { octets, Frama_C_size_t_interval(0, SIZE) };
	struct view message = { octets, 0 };
	enum doq_frame frame = doq_frame_read(all, Frama_C_interval(0, 1), &message);
	if (frame != DOQ_WHOLE || message.length == 0)
		return 0;
	return message.at[0] ^ message.at[message.length - 1];
}
