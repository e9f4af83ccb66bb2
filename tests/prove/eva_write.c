/*
 * Writing a message of any content: names of any octets (well formed or not) and lengths up to 255,
 * rdata and options of any octets and lengths, any numbers, into room of any size that ends where
 * the array ends.
 */
#include "dns/message.h"

#include "__fc_builtin.h"

#ifndef SIZE
#define SIZE 65535
#endif

enum { RECORDS = 40 };

static uint8_t wire[SIZE], rdata[65535], options[65535], octets[255], others[255];
static struct record records[SECTION_COUNT][RECORDS];
static struct message m;

/* One of two names, so that some are the same. */
static struct name any_name(void)
{
	struct name n = { Frama_C_interval(0, 1) ? octets : others,
		Frama_C_size_t_interval(1, 255) };
	return n;
}

static uint16_t any_u16(void)
{
	return (uint16_t)Frama_C_unsigned_int_interval(0, 65535);
}

static struct view any_options(void)
{
	struct view v = { (const char *)options, Frama_C_size_t_interval(0, 65535) };
	return v;
}

static void fill(struct record *r)
{
	r->owner = any_name();
	r->type = any_u16();
	r->class = any_u16();
	r->ttl = (uint32_t)any_u16() * 65536 + any_u16();
	r->rdata = rdata;
	r->rdata_length = any_u16();
}

int main(void)
{
	//@ widen_hints global:"all", 63, 64, 127, 128, 255, 256, 510, 512, 16384, 65535;
	Frama_C_make_unknown((char *)rdata, sizeof rdata);
	Frama_C_make_unknown((char *)options, sizeof options);
	Frama_C_make_unknown((char *)octets, sizeof octets);
	Frama_C_make_unknown((char *)others, sizeof others);
	m.id = any_u16();
	m.flags = any_u16();
	m.rcode = any_u16();
	m.opcode = (uint8_t)Frama_C_unsigned_int_interval(0, 255);
	m.question.name = any_name();
	m.question.type = any_u16();
	m.edns.present = Frama_C_interval(0, 1);
	m.edns.version = (uint8_t)Frama_C_unsigned_int_interval(0, 255);
	m.edns.udp_size = any_u16();
	m.edns.flags = any_u16();
	m.edns.options = any_options();
	for (int id = 0; id < SECTION_COUNT; id++) {
		//@ loop unroll RECORDS;
		for (int i = 0; i < RECORDS; i++)
			fill(&records[id][i]);
		m.section[id].records = records[id];
		m.section[id].count = Frama_C_size_t_interval(0, RECORDS);
	}
	//@ loop unroll 2;
	for (int question = 0; question <= 1; question++) {
		m.has_question = question;
		message_write(&m, wire, SIZE);
		message_write(&m, wire, Frama_C_size_t_interval(0, SIZE));
	}
	return 0;
}
