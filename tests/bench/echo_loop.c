/*
 * What the loop and the listeners cost beside the kernel: answers every message with itself and QR set, over UDP and TCP.
 *     echo_loop PORT [wildcard]
 */
#include "net/tcp.h"
#include "net/udp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void answer(struct incoming *in)
{
	if (in->length < 12)
		return;
	memcpy(in->answer, in->wire, in->length);
	in->answer[2] |= 0x80;
	in->answer_length = in->length;
}

int main(int argc, char **argv)
{
	struct endpoint local;
	const char *step;
	uint16_t port = (uint16_t)atoi(argc > 1 ? argv[1] : "5300");
	endpoint_parse_ip(argc > 2 ? VIEW("0.0.0.0") : VIEW("127.0.0.1"), port, &local);
	struct loop *l = loop_new(0);
	int udp = udp_open(&local, &step), tcp = udp < 0 ? -1 : tcp_open(&local, &step);
	if (tcp < 0) {
		perror(step);
		return 1;
	}
	udp_listen(l, udp, &local, answer, NULL);
	tcp_listen(l, tcp, &local, &tcp_limits_default,
		&(struct tcp_service){ .transport = TRANSPORT_TCP, .handle = answer });
	loop_run(l);
	return 0;
}
