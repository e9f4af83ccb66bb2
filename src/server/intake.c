/* The acceptance rule for messages (RFC 1035 4.1.1, RFC 9619: one question). */
#include "server/intake.h"

/* More of these than a query can have use for; the check is before anything is parsed. */
enum { ANSWERS_MAX = 1, AUTHORITIES_MAX = 1, ADDITIONALS_MAX = 2 };

static unsigned header_u16(const struct incoming *in, size_t at)
{
	return (unsigned)in->wire[at] * 256 + in->wire[at + 1];
}

static bool counts_acceptable(const struct incoming *in)
{
	return header_u16(in, 4) == 1 && header_u16(in, 6) <= ANSWERS_MAX &&
	       header_u16(in, 8) <= AUTHORITIES_MAX && header_u16(in, 10) <= ADDITIONALS_MAX;
}

static enum intake refuse(struct query *q, unsigned rcode, unsigned opcode)
{
	struct message *r = reply_new(q, (uint16_t)rcode, 0);
	r->opcode = (uint8_t)opcode;
	r->flags = (uint16_t)(FLAG_QR | (q->request.flags & (FLAG_RD | FLAG_AD | FLAG_CD)));
	return INTAKE_REFUSED;
}

/* An option that is malformed (RFC 7871 7.1.2 and its like), or forbidden: the time-outs of QUIC are its own (RFC 9250
 * 5.5.2). */
static bool has_bad_option(const struct query *q)
{
	const struct edns *e = &q->request.edns;
	struct view data;
	if (q->transport == TRANSPORT_QUIC && edns_option_find(e, OPTION_TCP_KEEPALIVE, &data))
		return true;
	return e->options.length > 0 && !edns_options_well_formed(e);
}

static enum intake refuse_malformed(struct query *q, struct incoming *in)
{
	in->outcome = INCOMING_MALFORMED;
	return refuse(q, RCODE_FORMERR, OPCODE_QUERY);
}

enum intake intake_read(struct query *q, struct incoming *in)
{
	in->outcome = INCOMING_TOO_SHORT;
	if (in->length < HEADER_SIZE)
		return INTAKE_DROP;
	in->outcome = INCOMING_REJECTED;
	if (header_u16(in, 2) & FLAG_QR)
		return INTAKE_DROP;
	unsigned flags = header_u16(in, 2), opcode = flags >> 11 & 15;
	q->request.id = (uint16_t)header_u16(in, 0);
	q->request.flags = (uint16_t)(flags & 0x07f0);
	q->request.has_question = false;
	if (opcode != OPCODE_QUERY && opcode != OPCODE_NOTIFY)
		return refuse(q, RCODE_NOTIMP, opcode);
	if (!counts_acceptable(in))
		return refuse(q, RCODE_FORMERR, OPCODE_QUERY);
	in->outcome = INCOMING_UNANSWERED;
	switch (message_read(&q->request, q->arena, in->wire, in->length)) {
	case MESSAGE_OK:
		if (has_bad_option(q))
			return refuse_malformed(q, in);
		q->name = name_lower(q->request.question.name, &q->lower_room);
		return INTAKE_QUERY;
	case MESSAGE_NO_QUESTION:
		q->name = name_root;
		return INTAKE_QUERY;
	default:
		return refuse_malformed(q, in);
	}
}
