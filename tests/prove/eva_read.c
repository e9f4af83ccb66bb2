/*
 * Any content, any length: the message ends where the array ends, so one octet too far is an alarm.
 * The static functions of message_read.c are reached by including it, because a message that does
 * not start at its base cannot be had through the public ones.
 */
#include "dns/message_read.c"

#include "__fc_builtin.h"

#ifndef SIZE
#define SIZE 65535
#endif

static uint8_t packet[SIZE];
static struct message m;

int main(void)
{
	//@ widen_hints global:"all", 63, 64, 255, 256, 512, 5958, 65535;
	Frama_C_make_unknown((char *)packet, sizeof packet);
	size_t start = SIZE - Frama_C_size_t_interval(0, SIZE);
	struct reading s = { .m = &m,
		.r = { .base = packet, .start = start, .at = start, .end = SIZE } };
	enum message_result result = message_parse(&s);
	unsigned sum = result ^ m.id ^ m.flags ^ m.rcode ^ m.opcode;
	if (m.has_question)
		sum ^= m.question.type ^ m.question.class ^
		       (unsigned)(m.question.name.length & 255);
	return sum % 2 == 0;
}
