/* The steps of writing a message, shared by message_write() and the encoded form. */
#ifndef ISTHMUS_DNS_MESSAGE_WRITE_H
#define ISTHMUS_DNS_MESSAGE_WRITE_H

#include "dns/message.h"
#include "dns/writer.h"

/* A message being written. */
struct writing {
	struct writer w;
	const struct message *m;
	bool truncated; /* a record did not fit: it and what follows is left out */
	uint16_t counts[SECTION_COUNT], section_end[SECTION_COUNT];
	uint16_t *ttl_at; /* where TTLs were written, when somebody wants to know; room for all
			     records */
	size_t ttl_count;
};

/* Octets of the OPT record, 0 without one. */
size_t opt_size(const struct edns *e);

/* The header's second word: flags, opcode, rcode. */
uint16_t message_flag_bits(const struct message *m);

/* Header and question, the counts still 0; false if they do not fit. */
bool write_head(struct writer *w, const struct message *m);

/* The records that fit before w.end, whole RRsets; sets TC in the header if answer or authority
 * were cut. */
void write_sections(struct writing *s);

/* Sets TC in the header that has been written. */
void write_truncated(struct writer *w, const struct message *m);

/* Adds the OPT and puts the counts into the header. Gives the message's length, 0 if it did not
 * fit. */
size_t write_tail(struct writer *w, const struct message *m, const uint16_t *counts);

/* message_write() for a message that is kept encoded; size is at most 65,535 and has room for the
 * OPT. */
size_t encoded_write(const struct message *m, uint8_t *to, size_t size);

#endif
