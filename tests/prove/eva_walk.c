/*
 * The walk over the records of a message that is sent on as it came: any content, the records beginning anywhere behind the
 * header. The message ends where the array ends, so one octet too far is an alarm.
 */
#include "dns/message_walk.c"

#include "__fc_builtin.h"

#ifndef SIZE
#define SIZE 65535
#endif

static uint8_t packet[SIZE];
static struct encoded encoded;

int main(void)
{
	//@ widen_hints global:"all", 63, 64, 255, 256, 512, 65535, 262144, 327679, 589824;
	Frama_C_make_unknown((char *)packet, sizeof packet);
	struct walk w = { .r = { .base = packet, .end = SIZE }, .e = &encoded };
	w.r.at = Frama_C_size_t_interval(HEADER_SIZE, SIZE);
	w.qname_length = Frama_C_size_t_interval(1, NAME_OCTETS_MAX);
	w.plain = w.r.at;
	return walk_sections(&w);
}
