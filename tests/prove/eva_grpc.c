/* A call's body of DNS over gRPC: its frame, and the protocol buffer in it, from which the DNS message is taken. That this lies within
 * them EVA cannot say, since it follows no two numbers together. */
#include "net/grpc.c"

#include "__fc_builtin.h"

static char body[SIZE];

int main(void)
{
	Frama_C_make_unknown(body, sizeof body);
	struct view all = { body, Frama_C_size_t_interval(0, SIZE) };
	struct view message = { body, 0 }, why;
	return grpc_read(all, &message, &why) == GRPC_OK && message.length != 0;
}
