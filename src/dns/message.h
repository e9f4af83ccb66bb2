/*
 * A DNS message as a value (RFC 1035 4): header, question, three sections of records, EDNS.
 *
 * A record is a view: its owner and rdata (wire form, names in it not compressed) lie in the packet's arena or in a
 * snapshot, and are never changed in place. OPT and TSIG are not in the additional section: OPT is `edns`, TSIG
 * stays with the bytes.
 */
#ifndef ISTHMUS_DNS_MESSAGE_H
#define ISTHMUS_DNS_MESSAGE_H

#include "base/arena.h"
#include "dns/name.h"
#include "dns/types.h"

enum {
	HEADER_SIZE = 12,
	FLAGS_AT = 2,  /* offset of the header's flags, opcode and rcode */
	COUNTS_AT = 6, /* offset of the first section's count */
	QUESTION_FIXED = 4, /* octets of a question behind its name */
	RECORD_FIXED = 10,  /* octets of a record between owner and rdata */
	OPT_FIXED = 11,     /* octets of an OPT record before its options */
	MESSAGE_MAX = 65535,
	UDP_SIZE_DEFAULT = 512, /* without EDNS */
	MESSAGE_EXPANDED_MAX = 4 * 65536, /* decompressed names that one message may cost */
};

/* Header bits, as they stand in the second 16-bit word. Opcode and rcode are fields of their own. */
enum flag {
	FLAG_QR = 0x8000,
	FLAG_AA = 0x0400,
	FLAG_TC = 0x0200,
	FLAG_RD = 0x0100,
	FLAG_RA = 0x0080,
	FLAG_Z = 0x0040,
	FLAG_AD = 0x0020,
	FLAG_CD = 0x0010,
};

struct question {
	struct name name;
	uint16_t type, class;
};

struct record {
	struct name owner;
	const uint8_t *rdata;
	uint32_t ttl;
	uint16_t type, class, rdata_length;
};

enum section_id {
	SECTION_ANSWER,
	SECTION_AUTHORITY,
	SECTION_ADDITIONAL,
	SECTION_COUNT,
};

/* The array is the message's own: whoever makes a section never points it at a shared one. */
struct section {
	struct record *records;
	size_t count, capacity;
};

enum edns_flag {
	EDNS_DO = 0x8000,
};

enum edns_option {
	OPTION_NSID = 3,
	OPTION_SUBNET = 8,
	OPTION_EXPIRE = 9,
	OPTION_COOKIE = 10,
	OPTION_TCP_KEEPALIVE = 11,
	OPTION_PADDING = 12,
	OPTION_EXTENDED_ERROR = 15,
	OPTION_ZONE_VERSION = 19,
};

/* The OPT record (RFC 6891 6.1). `options` is the rdata: a well-formed run of {code, length, data}. */
struct edns {
	bool present;
	uint8_t version;
	uint16_t udp_size, flags;
	struct view options;
};

/*
 * A message kept in encoded form beside its value, so that a cache hit is a copy and a few patched octets. Id, flags,
 * rcode, question and OPT are taken from the message that it is sent for; all records have the one TTL, or their own. If the question's
 * name is not octet by octet the one that was encoded, the message should be opened: it is decoded to be sent.
 */
struct encoded {
	const uint8_t *wire;    /* header included; no OPT */
	const uint16_t *ttl_at; /* offsets of the TTLs of all records */
	uint16_t length, ttl_count;
	uint16_t question_end, section_end[SECTION_COUNT]; /* where it may be cut */
	uint16_t counts[SECTION_COUNT];
	uint32_t plain_length;  /* without compression: see message_size */
	uint32_t ttl;           /* of every record when it is sent or opened, unless own_ttls */
	bool own_ttls;          /* the records keep the TTLs that stand in the wire form */
	bool reopened;          /* the sections have been decoded: they count, not the wire */
};

struct message {
	uint16_t id, flags, rcode; /* rcode with its extended part (12 bits); flags without opcode and rcode */
	uint8_t opcode;
	bool has_question;
	struct question question;
	struct section section[SECTION_COUNT];
	/* So many records at the start of the additional section are the glue of a referral: it is of no use without them, so
	 * leaving one out sets TC (RFC 9471 2). */
	uint16_t glue_count;
	struct edns edns;
	struct encoded *encoded; /* NULL, or the same message in wire form; see message_open */
};

/*@ axiomatic Records { // what arenas hand out of them
      logic struct record *record_pool;
      logic integer record_pool_size;
    }
*/

/* What reading a message came to. */
enum message_result {
	MESSAGE_OK,
	MESSAGE_TOO_SHORT,   /* no header */
	MESSAGE_NO_QUESTION, /* the header alone is there, whatever QDCOUNT says; a caller may accept this */
	MESSAGE_BAD_QUESTION,
	MESSAGE_BAD_RECORDS, /* the question was read, what follows is malformed */
};

/*
 * Reads a whole message: header, one question, all records with names in rdata decompressed, EDNS. Everything the
 * result points to is in the arena (or in wire for names without pointers, so wire must live as long). Header
 * fields and question are filled as far as they could be read. Refuses pointers forward, in a loop or into the header,
 * rdata whose length does not fit its type, a second OPT, an OPT that is not in the additional section or not at the root
 * (RFC 6891 6.1.1), a TSIG that is not the last record (RFC 8945 5.1), names that decompress to more than
 * MESSAGE_EXPANDED_MAX octets in all. QDCOUNT over 1 is MESSAGE_BAD_QUESTION. A message that ends at a record boundary
 * before its counts is taken as it is, and no memory is taken for records that its octets cannot hold; octets behind the
 * last record are ignored. Nothing is allocated when the message is header, question and at most an OPT.
 */
/*@ requires \valid(m) && \valid_read(wire + (0 .. length - 1));
    requires \separated(m, octet_pool + (0 .. octet_pool_size - 1),
      record_pool + (0 .. record_pool_size - 1));
    terminates \true;
*/
enum message_result message_read(
	struct message *m, struct arena *arena, const uint8_t *wire, size_t length);

/*
 * Reads a message that is to be sent on as it came: checks it as message_read() does, but leaves the records in encoded form,
 * with their own TTLs. `wire` must live as long as the message. False, and *m is of no use, for what message_read() must
 * see: malformed messages, those without a question, with a TSIG, with an OPT that is not the last record, with names
 * compressed where they must not be (RFC 3597 4).
 */
bool message_read_encoded(
	struct message *m, struct arena *arena, const uint8_t *wire, size_t length);

/*
 * Writes the message: question, sections, OPT if m->edns.present, with name compression (RFC 1035 4.1.4, RFC 3597
 * 4: only in the rdata of RFC 1035's types). At most `size` octets: records that do not fit are left out, from the first
 * of them on. In the answer and authority section that sets TC (RFC 2181 9); of the additional section whole RRsets are
 * left out, without TC unless they are glue (`glue_count`). The OPT always stays. Gives the length, 0 if not even header, question and OPT fit.
 */
size_t message_write(const struct message *m, uint8_t *to, size_t size);

/*
 * Pads a message that message_write() has just written, if the last of its EDNS options is an empty padding option: to the next
 * multiple of `block` octets, or to `size` where that is less (RFC 7830, RFC 8467 4.1). Gives the length, whether it has
 * changed or not.
 */
/*@ requires \valid_read(m) && length <= size && \valid(wire + (0 .. size - 1));
    requires length <= MESSAGE_MAX && 1 <= block <= MESSAGE_MAX;
    requires length > 0 && m->edns.present ==> OPT_FIXED + m->edns.options.length <= length;
    terminates \true;
    assigns wire[0 .. size - 1];
    ensures length <= \result <= size;
*/
size_t message_pad(const struct message *m, uint8_t *wire, size_t length, size_t size, size_t block);

/* Length without compression, OPT included when present: what CoreDNS logs and counts as the size of a message. */
size_t message_size(const struct message *m);

/* How many records a section has, whether the message is kept encoded or not. */
static inline size_t message_record_count(const struct message *m, enum section_id id)
{
	const struct encoded *e = m->encoded;
	return e && !e->reopened ? e->counts[id] : m->section[id].count;
}

/* Makes the sections readable when the message is kept encoded; no-op else. Call before looking into sections. */
void message_open(struct message *m, struct arena *arena);

/*
 * The wire form for keeping (see struct encoded), memory from `arena`, ttl 0; the OPT is left out. False if there is no
 * question or it would not fit 65,535 octets.
 */
bool message_encode(const struct message *m, struct arena *arena, struct encoded *to);

/* Makes room for at least one more record. */
void section_grow(struct section *s, struct arena *arena);

/* Adds a record to a section, memory from the arena. The record's views are kept, not copied. */
static inline void section_add(struct section *s, struct arena *arena, struct record r)
{
	if (s->count == s->capacity)
		section_grow(s, arena);
	s->records[s->count++] = r;
}

static inline void section_clear(struct section *s)
{
	s->count = 0;
}

/* A copy of m whose sections may be changed without touching m's (record views are shared). */
struct message *message_copy(struct arena *arena, const struct message *m);

/* --- EDNS options (RFC 6891 6.1.2) --- */

/* Steps through options: `rest` starts as edns.options; false at the end. */
/*@ requires \valid(rest) && \valid(code) && \valid(data) && \separated(rest, code, data);
    requires \valid_read(rest->at + (0 .. rest->length - 1));
    terminates \true;
    assigns rest->at, rest->length, *code, data->at, data->length;
    ensures \valid_read(rest->at + (0 .. rest->length - 1));
    ensures \result ==> rest->length < \old(rest->length);
    ensures \result ==> \valid_read(data->at + (0 .. data->length - 1));
*/
bool edns_option_next(struct view *rest, uint16_t *code, struct view *data);

/* The first option of this code; false if there is none. */
/*@ requires \valid_read(e) && \valid(data) && \separated(e, data);
    requires \valid_read(e->options.at + (0 .. e->options.length - 1));
    terminates \true;
    assigns data->at, data->length;
    ensures \result ==> \valid_read(data->at + (0 .. data->length - 1));
*/
bool edns_option_find(const struct edns *e, uint16_t code, struct view *data);

/*
 * Whether the options whose form is known have it: SUBNET (RFC 7871 6), EXPIRE (RFC 7314 3), TCP_KEEPALIVE (RFC 7828
 * 3.1), EXTENDED_ERROR (RFC 8914 2), ZONE_VERSION (RFC 9660 2). Others may be anything.
 */
/*@ requires \valid_read(e);
    requires \valid_read(e->options.at + (0 .. e->options.length - 1));
    terminates \true;
    assigns \nothing;
*/
bool edns_options_well_formed(const struct edns *e);

/* Adds an option at the end (or puts it in the place of the one there is), memory from the arena. */
void edns_option_add(struct edns *e, struct arena *arena, uint16_t code, struct view data);
void edns_option_set(struct edns *e, struct arena *arena, uint16_t code, struct view data);

/* Takes every option of this code out. */
void edns_option_remove(struct edns *e, struct arena *arena, uint16_t code);

/* An extended DNS error (RFC 8914): info code and text, added to the reply's options. */
void edns_add_extended_error(
	struct edns *e, struct arena *arena, uint16_t info_code, struct view text);

#endif
