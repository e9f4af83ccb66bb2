/* Messages: read and written back over many shapes, malformed ones refused, cut by RRsets, kept encoded; EDNS options. */
#include "base/hash.h"
#include "dns/message.h"
#include "dns/rdata.h"
#include "test.h"
#include <stdio.h>
#include <stdlib.h>

static struct arena *arena;

static int set_up(void **state)
{
	arena = arena_new(65536);
	return 0;
}

static int tear_down(void **state)
{
	arena_free(arena);
	return 0;
}

static struct name name(const char *text)
{
	struct name n = name_from_text(arena, view_of(text));
	assert_true(n.length > 0);
	return n;
}

static struct message *question(const char *qname, uint16_t type)
{
	struct message *m = arena_new_object(arena, struct message);
	m->id = 0x1234;
	m->has_question = true;
	m->question = (struct question){ name(qname), type, CLASS_IN };
	return m;
}

static struct message *reply(const char *qname, uint16_t type)
{
	struct message *m = question(qname, type);
	m->flags = FLAG_QR | FLAG_AA | FLAG_RD;
	return m;
}

static void add(struct message *m, enum section_id section, const char *owner, uint16_t type,
	struct view rdata)
{
	section_add(&m->section[section], arena,
		(struct record){ name(owner), (const uint8_t *)rdata.at, 300, type, CLASS_IN,
			(uint16_t)rdata.length });
}

static void add_address(struct message *m, enum section_id section, const char *owner, uint8_t last)
{
	uint8_t address[4] = { 192, 0, 2, last };
	add(m, section, owner, TYPE_A, arena_copy(arena, (struct view){ (char *)address, 4 }));
}

/* Rdata of octets and names in wire form: "\x00\x0a" and names by text, put together by the caller. */
static struct view octets(const char *at, size_t length)
{
	return arena_copy(arena, (struct view){ at, length });
}

static struct view joined(struct view a, struct view b)
{
	char *to = arena_octets(arena, a.length + b.length);
	memcpy(to, a.at, a.length);
	memcpy(to + a.length, b.at, b.length);
	return (struct view){ to, a.length + b.length };
}

static struct view name_octets(const char *text)
{
	struct name n = name(text);
	return (struct view){ (const char *)n.octets, n.length };
}

static struct view soa(void)
{
	return joined(joined(name_octets("ns.example.org."), name_octets("admin.example.org.")),
		octets("\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5", 20));
}

static void assert_same_record(const struct record *a, const struct record *b)
{
	assert_true(name_equal(a->owner, b->owner));
	assert_int_equal(a->type, b->type);
	assert_int_equal(a->class, b->class);
	assert_int_equal(a->ttl, b->ttl);
	assert_int_equal(a->rdata_length, b->rdata_length);
	assert_memory_equal(a->rdata, b->rdata, a->rdata_length);
}

static void assert_same(const struct message *a, const struct message *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->opcode, b->opcode);
	assert_int_equal(a->rcode, b->rcode);
	assert_int_equal(a->has_question, b->has_question);
	if (a->has_question) {
		assert_true(name_equal(a->question.name, b->question.name));
		assert_int_equal(a->question.type, b->question.type);
		assert_int_equal(a->question.class, b->question.class);
	}
	for (int id = 0; id < SECTION_COUNT; id++) {
		assert_int_equal(a->section[id].count, b->section[id].count);
		for (size_t i = 0; i < a->section[id].count; i++)
			assert_same_record(&a->section[id].records[i], &b->section[id].records[i]);
	}
	assert_int_equal(a->edns.present, b->edns.present);
	assert_int_equal(a->edns.udp_size, b->edns.udp_size);
	assert_int_equal(a->edns.flags, b->edns.flags);
	assert_true(view_equal(a->edns.options, b->edns.options));
}

static struct message *read_back(const uint8_t *wire, size_t length)
{
	struct message *m = arena_new_object(arena, struct message);
	assert_int_equal(message_read(m, arena, wire, length), MESSAGE_OK);
	return m;
}

/* Whether it can be sent on as it came; then it says the same, whether it is opened or copied. */
static bool passes(const uint8_t *wire, size_t length)
{
	struct message *kept = arena_new_object(arena, struct message);
	uint8_t *again = arena_octets(arena, MESSAGE_MAX);
	if (!message_read_encoded(kept, arena, wire, length))
		return false;
	const struct message *m = read_back(wire, length);
	assert_int_equal(message_size(kept), message_size(m));
	struct message *opened = message_copy(arena, kept);
	message_open(opened, arena);
	assert_same(m, opened);
	size_t written = message_write(kept, again, MESSAGE_MAX);
	assert_true(written > 0);
	assert_same(m, read_back(again, written));
	if (written <= 100)
		return true;
	size_t cut = message_write(m, again, 100);
	uint8_t *cut_again = arena_octets(arena, 100);
	size_t cut_kept = message_write(kept, cut_again, 100);
	assert_int_equal(cut_kept > 0, cut > 0);
	if (cut)
		assert_same(read_back(again, cut), read_back(cut_again, cut_kept));
	return true;
}

/* Writes m, reads it back and compares; gives the length on the wire. */
static size_t round_trip(const struct message *m)
{
	uint8_t *wire = arena_octets(arena, MESSAGE_MAX);
	size_t length = message_write(m, wire, MESSAGE_MAX);
	assert_true(length > 0 && length <= message_size(m));
	assert_same(m, read_back(wire, length));
	if (m->has_question && m->opcode != OPCODE_UPDATE && message_size(m) <= MESSAGE_MAX)
		assert_true(passes(wire, length));
	return length;
}

static void a_query_is_read_in_place(void **state)
{
	static const uint8_t wire[] = "\x12\x34\x01\x20\0\1\0\0\0\0\0\1"
				      "\3WWW\7example\3org\0\0\1\0\1"
				      "\0\0\x29\x04\xd0\0\0\x80\0\0\x0c\0\x0a\0\x08" "12345678";
	struct message m;
	size_t before = arena_size(arena);
	assert_int_equal(message_read(&m, arena, wire, sizeof wire - 1), MESSAGE_OK);
	assert_int_equal(arena_size(arena), before);
	assert_int_equal(m.id, 0x1234);
	assert_int_equal(m.flags, FLAG_RD | FLAG_AD);
	assert_ptr_equal(m.question.name.octets, wire + HEADER_SIZE);
	assert_string_equal(name_text(arena, m.question.name), "WWW.example.org.");
	assert_int_equal(m.question.type, TYPE_A);
	assert_int_equal(m.edns.udp_size, 1232);
	assert_int_equal(m.edns.flags, EDNS_DO);
	struct view cookie;
	assert_true(edns_option_find(&m.edns, OPTION_COOKIE, &cookie));
	assert_true(view_is(cookie, "12345678"));
	assert_int_equal(m.section[SECTION_ADDITIONAL].count, 0);
}

static void the_common_answer_is_one_pointer(void **state)
{
	struct message *m = reply("www.example.org.", TYPE_A);
	add_address(m, SECTION_ANSWER, "www.example.org.", 1);
	add_address(m, SECTION_ANSWER, "www.example.org.", 2);
	assert_int_equal(round_trip(m), 12 + 17 + 4 + 2 * 16);
}

static void suffixes_are_compressed(void **state)
{
	struct message *m = reply("www.example.org.", TYPE_MX);
	add(m, SECTION_ANSWER, "www.example.org.", TYPE_MX,
		joined(octets("\0\12", 2), name_octets("mail.EXAMPLE.org.")));
	add(m, SECTION_AUTHORITY, "example.org.", TYPE_NS, name_octets("ns.example.org."));
	add(m, SECTION_AUTHORITY, "example.org.", TYPE_NS, name_octets("ns.other.org."));
	add_address(m, SECTION_ADDITIONAL, "mail.example.org.", 1);
	size_t expected = 12 + 17 + 4;
	expected += 2 + 10 + 2 + 5 + 8 + 2;  /* MX: pointer; "mail", "EXAMPLE", pointer to org */
	expected += 2 + 10 + 3 + 2;          /* NS: "ns" and a pointer */
	expected += 2 + 10 + 3 + 6 + 2;      /* "ns", "other", pointer to org */
	expected += 7 + 10 + 4; /* "mail" and a pointer: the MX's has another case */
	assert_int_equal(round_trip(m), expected);
}

/* Suffixes of every length, and with each of their octets changed once. */
static void suffixes_of_all_lengths_are_compressed(void **state)
{
	char suffix[] = "abcdefghijklmnopqrstuvwxyz.", qname[32], owner[32];
	for (size_t skip = 0; skip < sizeof suffix - 3; skip++) {
		const char *end = suffix + skip;
		size_t length = strlen(end);
		snprintf(qname, sizeof qname, "q.%s", end);
		snprintf(owner, sizeof owner, "o.%s", end);
		struct message *m = reply(qname, TYPE_A);
		add_address(m, SECTION_ANSWER, owner, 1);
		size_t expected = 12 + 2 + length + 5 + 2 + 2 + 14;
		assert_int_equal(round_trip(m), expected);
		for (size_t i = 0; i + 1 < length; i++) {
			m = reply(qname, TYPE_A);
			owner[2 + i] ^= 1;
			add_address(m, SECTION_ANSWER, owner, 1);
			owner[2 + i] ^= 1;
			assert_int_equal(round_trip(m), expected + length + 1 - 2);
		}
	}
}

/* Names keep the case that they have, whatever the question's. */
static void case_is_kept(void **state)
{
	uint8_t wire[512];
	struct message *m = reply("A.Example.", TYPE_CNAME);
	add(m, SECTION_ANSWER, "a.example.", TYPE_CNAME, name_octets("a.EXAMPLE."));
	add(m, SECTION_ANSWER, "a.example.", TYPE_CNAME, name_octets("A.Example."));
	size_t length = message_write(m, wire, sizeof wire);
	assert_int_equal(length, 12 + 11 + 4 + 11 + 10 + 11 + 2 + 10 + 2);
	const struct message *got = read_back(wire, length);
	const struct record *first = &got->section[SECTION_ANSWER].records[0];
	assert_string_equal(name_text(arena, got->question.name), "A.Example.");
	assert_string_equal(name_text(arena, first->owner), "a.example.");
	assert_same(m, got);
}

/* RFC 3597 4: SRV and newer types keep their names whole when written, but are read if they are compressed. */
static void names_of_newer_types_are_not_compressed(void **state)
{
	struct message *m = reply("_x._udp.example.org.", TYPE_SRV);
	struct view srv = joined(octets("\0\1\0\2\0\3", 6), name_octets("a.example.org."));
	add(m, SECTION_ANSWER, "_x._udp.example.org.", TYPE_SRV, srv);
	assert_int_equal(round_trip(m), 12 + 21 + 4 + 2 + 10 + srv.length);

	static const uint8_t wire[] = "\0\0\x80\0\0\1\0\1\0\0\0\0\7example\3org\0\0\x21\0\1"
				      "\xc0\x0c\0\x21\0\1\0\0\0\1\0\x0a\0\1\0\2\0\3\1a\xc0\x0c";
	m = read_back(wire, sizeof wire - 1);
	struct view got = record_rdata(&m->section[SECTION_ANSWER].records[0]);
	assert_true(view_equal(got, srv));
	assert_false(passes(wire, sizeof wire - 1));
}

static void every_shape_survives(void **state)
{
	static const char *const names[] = { ".", "org.", "example.org.", "a.example.org.",
		"b.a.example.org.", "A.EXAMPLE.ORG.", "other.net.", "x\\.y.example.org." };
	srand(1);
	for (int round = 0; round < 2000; round++) {
		struct message *m = reply(names[rand() % 8], TYPE_ANY);
		m->opcode = (uint8_t)(rand() % 6);
		for (int n = rand() % 12; n > 0; n--) {
			enum section_id section = (enum section_id)(rand() % 3);
			const char *owner = names[rand() % 8], *target = names[rand() % 8];
			switch (rand() % 6) {
			case 0:
				add_address(m, section, owner, (uint8_t)n);
				break;
			case 1:
				add(m, section, owner, TYPE_NS, name_octets(target));
				break;
			case 2:
				add(m, section, owner, TYPE_SOA, soa());
				break;
			case 3:
				add(m, section, owner, TYPE_TXT, octets("\3abc\0\1x", 7));
				break;
			case 4:
				add(m, section, owner, 65280, octets("opaque", 6));
				break;
			default:
				add(m, section, owner, TYPE_MX,
					joined(octets("\0\1", 2), name_octets(target)));
			}
		}
		m->edns.present = rand() % 2;
		m->edns.udp_size = m->edns.present ? 1232 : 0;
		if (m->edns.present) {
			m->rcode = (uint16_t)(rand() % 4096);
			edns_option_add(&m->edns, arena, OPTION_NSID, VIEW("here"));
		}
		round_trip(m);
		arena_reset(arena);
	}
}

/* Dynamic updates have records without rdata, of types that have names in it (RFC 2136 2.5.2). */
static void records_without_rdata_survive(void **state)
{
	struct message *m = reply("example.org.", TYPE_SOA);
	m->opcode = OPCODE_UPDATE;
	add(m, SECTION_AUTHORITY, "a.example.org.", TYPE_CNAME, (struct view){ "", 0 });
	m->section[SECTION_AUTHORITY].records[0].class = CLASS_ANY;
	add_address(m, SECTION_ADDITIONAL, "a.example.org.", 1);
	round_trip(m);
}

/* More names than the writer remembers, and offsets beyond the reach of pointers. */
static void big_messages_survive(void **state)
{
	struct message *m = reply("example.org.", TYPE_AXFR);
	for (int i = 0; i < 2500; i++) {
		char owner[40];
		snprintf(owner, sizeof owner, "host%d.sub%d.example.org.", i, i % 7);
		add_address(m, SECTION_ANSWER, owner, 1);
	}
	size_t length = round_trip(m);
	assert_true(length < message_size(m) * 8 / 10);
}

static void an_rcode_needs_its_opt(void **state)
{
	uint8_t wire[512];
	struct message *m = reply("example.org.", TYPE_A);
	m->rcode = RCODE_BADCOOKIE;
	size_t length = message_write(m, wire, sizeof wire);
	assert_int_equal(read_back(wire, length)->rcode, RCODE_SERVFAIL);
	m->edns.present = true;
	length = message_write(m, wire, sizeof wire);
	assert_int_equal(read_back(wire, length)->rcode, RCODE_BADCOOKIE);
}

/* --- malformed messages --- */

#define HEAD(questions, answers, additional)                                                       \
	"\0\1\1\0\0" questions "\0" answers "\0\0\0" additional
#define QUESTION "\1a\0\0\1\0\1"

struct malformed {
	const char *what, *wire;
	size_t length;
	enum message_result result;
};

#define MALFORMED(what, wire, result)                                                              \
	{                                                                                          \
		what, wire, sizeof wire - 1, result                                                \
	}

static const struct malformed malformed[] = {
	MALFORMED("empty", "", MESSAGE_TOO_SHORT),
	MALFORMED("11 octets", "\0\1\1\0\0\1\0\0\0\0\0", MESSAGE_TOO_SHORT),
	MALFORMED("header alone", HEAD("\1", "\0", "\0"), MESSAGE_NO_QUESTION),
	MALFORMED("two questions", HEAD("\2", "\0", "\0") QUESTION QUESTION, MESSAGE_BAD_QUESTION),
	MALFORMED("question cut", HEAD("\1", "\0", "\0") "\1a\0\0\1\0", MESSAGE_BAD_QUESTION),
	MALFORMED("name without end", HEAD("\1", "\0", "\0") "\1a\5", MESSAGE_BAD_QUESTION),
	MALFORMED("label type 01", HEAD("\1", "\0", "\0") "\x41" "a\0\0\1\0\1", MESSAGE_BAD_QUESTION),
	MALFORMED("pointer to itself", HEAD("\1", "\0", "\0") "\xc0\x0c\0\1\0\1", MESSAGE_BAD_QUESTION),
	MALFORMED("pointer into the header", HEAD("\1", "\0", "\0") "\xc0\0\0\1\0\1",
		MESSAGE_BAD_QUESTION),
	MALFORMED("trailing octets, no counts", HEAD("\1", "\0", "\0") QUESTION "zzz", MESSAGE_OK),
	MALFORMED("fewer records than counted", HEAD("\1", "\2", "\1") QUESTION
		"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\1\2\3\4", MESSAGE_OK),
	MALFORMED("record cut in its head", HEAD("\1", "\1", "\0") QUESTION "\xc0\x0c\0\1\0\1\0",
		MESSAGE_BAD_RECORDS),
	MALFORMED("rdata cut", HEAD("\1", "\1", "\0") QUESTION "\xc0\x0c\0\1\0\1\0\0\0\1\0\4\1\2\3",
		MESSAGE_BAD_RECORDS),
	MALFORMED("A of 3 octets", HEAD("\1", "\1", "\0") QUESTION
		"\xc0\x0c\0\1\0\1\0\0\0\1\0\3\1\2\3", MESSAGE_BAD_RECORDS),
	MALFORMED("A of 5 octets", HEAD("\1", "\1", "\0") QUESTION
		"\xc0\x0c\0\1\0\1\0\0\0\1\0\5\1\2\3\4\5", MESSAGE_BAD_RECORDS),
	MALFORMED("owner pointing forward", HEAD("\1", "\1", "\0") QUESTION
		"\xc0\x20\0\1\0\1\0\0\0\1\0\4\1\2\3\4", MESSAGE_BAD_RECORDS),
	MALFORMED("owner pointing to itself", HEAD("\1", "\1", "\0") QUESTION
		"\xc0\x13\0\1\0\1\0\0\0\1\0\4\1\2\3\4", MESSAGE_BAD_RECORDS),
	MALFORMED("owner that loops by a label", HEAD("\1", "\1", "\0") QUESTION
		"\1b\xc0\x13\0\1\0\1\0\0\0\1\0\4\1\2\3\4", MESSAGE_BAD_RECORDS),
	MALFORMED("name in rdata beyond it", HEAD("\1", "\1", "\0") QUESTION
		"\xc0\x0c\0\2\0\1\0\0\0\1\0\3\5ab\1\2\3\4\0", MESSAGE_BAD_RECORDS),
	MALFORMED("name in rdata before its end", HEAD("\1", "\1", "\0") QUESTION
		"\xc0\x0c\0\2\0\1\0\0\0\1\0\4\1b\0\0", MESSAGE_BAD_RECORDS),
	MALFORMED("TXT string too long", HEAD("\1", "\1", "\0") QUESTION
		"\xc0\x0c\0\x10\0\1\0\0\0\1\0\2\2a", MESSAGE_BAD_RECORDS),
	MALFORMED("TXT without a string", HEAD("\1", "\1", "\0") QUESTION
		"\xc0\x0c\0\x10\0\1\0\0\0\1\0\0", MESSAGE_BAD_RECORDS),
	MALFORMED("type bit map window of 33", HEAD("\1", "\1", "\0") QUESTION
		"\xc0\x0c\0\x2f\0\1\0\0\0\1\0\x24\0\0\x21" "123456789012345678901234567890123",
		MESSAGE_BAD_RECORDS),
	MALFORMED("two OPT", HEAD("\1", "\0", "\2") QUESTION
		"\0\0\x29\2\0\0\0\0\0\0\0" "\0\0\x29\2\0\0\0\0\0\0\0", MESSAGE_BAD_RECORDS),
	MALFORMED("OPT not at the root", HEAD("\1", "\0", "\1") QUESTION
		"\xc0\x0c\0\x29\2\0\0\0\0\0\0\0", MESSAGE_BAD_RECORDS),
	MALFORMED("OPT in the answer", HEAD("\1", "\1", "\0") QUESTION "\0\0\x29\2\0\0\0\0\0\0\0",
		MESSAGE_BAD_RECORDS),
	MALFORMED("option longer than the OPT", HEAD("\1", "\0", "\1") QUESTION
		"\0\0\x29\2\0\0\0\0\0\0\5\0\3\0\2a", MESSAGE_BAD_RECORDS),
	MALFORMED("option cut in its head", HEAD("\1", "\0", "\1") QUESTION
		"\0\0\x29\2\0\0\0\0\0\0\3\0\3\0", MESSAGE_BAD_RECORDS),
	MALFORMED("something behind TSIG", HEAD("\1", "\0", "\2") QUESTION
		"\0\0\xfa\0\xff\0\0\0\0\0\0" "\0\0\x29\2\0\0\0\0\0\0\0", MESSAGE_BAD_RECORDS),
	MALFORMED("TSIG at the end", HEAD("\1", "\0", "\2") QUESTION
		"\0\0\x29\2\0\0\0\0\0\0\0" "\0\0\xfa\0\xff\0\0\0\0\0\0", MESSAGE_OK),
	MALFORMED("a deletion of RFC 2136", HEAD("\1", "\1", "\0") QUESTION
		"\xc0\x0c\0\1\0\xff\0\0\0\0\0\0", MESSAGE_OK),
};

static void malformed_messages_are_told(void **state)
{
	for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
		const struct malformed *c = &malformed[i];
		struct message m;
		uint8_t *exact = malloc(c->length ? c->length : 1);
		memcpy(exact, c->wire, c->length);
		enum message_result result = message_read(&m, arena, exact, c->length);
		if (result != c->result)
			print_message("%s\n", c->what);
		assert_int_equal(result, c->result);
		if (result != MESSAGE_OK)
			assert_false(message_read_encoded(&m, arena, exact, c->length));
		free(exact);
	}
}

static void what_was_read_stays(void **state)
{
	static const uint8_t wire[] = HEAD("\1", "\1", "\0") QUESTION "\xff";
	struct message m;
	assert_int_equal(
		message_read(&m, arena, wire, sizeof wire - 1), MESSAGE_BAD_RECORDS);
	assert_int_equal(m.id, 1);
	assert_true(m.has_question);
	assert_string_equal(name_text(arena, m.question.name), "a.");
	assert_int_equal(m.section[SECTION_ANSWER].count, 0);
}

/* Every prefix of a message and every octet changed: nothing is read outside (under the sanitizer) or loops. */
static void damaged_messages_do_no_harm(void **state)
{
	uint8_t wire[512], damaged[512];
	struct message *m = reply("www.example.org.", TYPE_MX), got;
	add(m, SECTION_ANSWER, "www.example.org.", TYPE_MX,
		joined(octets("\0\12", 2), name_octets("mail.example.org.")));
	add(m, SECTION_AUTHORITY, "example.org.", TYPE_SOA, soa());
	m->edns.present = true;
	edns_option_add(&m->edns, arena, OPTION_NSID, VIEW("abc"));
	size_t length = message_write(m, wire, sizeof wire);
	struct arena *scratch = arena_new(4096);
	for (size_t cut = 0; cut < length; cut++) {
		uint8_t *exact = malloc(cut ? cut : 1);
		memcpy(exact, wire, cut);
		message_read(&got, scratch, exact, cut);
		assert_false(message_read_encoded(&got, scratch, exact, cut));
		free(exact);
		arena_reset(scratch);
	}
	for (size_t at = 0; at < length; at++) {
		for (int value = 0; value < 256; value++) {
			memcpy(damaged, wire, length);
			damaged[at] = (uint8_t)value;
			bool good = message_read(&got, scratch, damaged, length) == MESSAGE_OK;
			if (good) {
				uint8_t again[MESSAGE_MAX];
				assert_true(message_write(&got, again, sizeof again) > 0);
			}
			assert_true(!message_read_encoded(&got, scratch, damaged, length) || good);
			arena_reset(scratch);
		}
	}
	arena_free(scratch);
}

/* CVE-2026-82399: 65 kB of pointers to one long name must not cost megabytes. */
static void expansion_has_a_limit(void **state)
{
	uint8_t *wire = arena_alloc(arena, MESSAGE_MAX);
	size_t at = 12;
	wire[5] = 1;
	wire[6] = 0x20;
	for (int label = 0; label < 4; label++) {
		wire[at] = label < 3 ? 63 : 60;
		at += 1u + wire[at];
	}
	at += 1 + 4;
	while (at + 12 + 4 < MESSAGE_MAX) {
		static const uint8_t ns[] = "\xc0\x0c\0\2\0\1\0\0\0\1\0\4\1b\xc0\x4c";
		memcpy(wire + at, ns, 16);
		at += 16;
	}
	struct message m;
	struct arena *scratch = arena_new(4096);
	assert_int_equal(message_read(&m, scratch, wire, at), MESSAGE_BAD_RECORDS);
	assert_true(arena_size(scratch) < 1000000);
	arena_free(scratch);
}

/* --- cutting --- */

static struct message *written(const struct message *m, size_t size)
{
	uint8_t *wire = arena_octets(arena, size);
	size_t length = message_write(m, wire, size);
	assert_true(length > 0 && length <= size);
	return read_back(wire, length);
}

static void answers_are_cut_by_records(void **state)
{
	struct message *m = reply("a.example.", TYPE_A);
	add(m, SECTION_ANSWER, "a.example.", TYPE_CNAME, name_octets("b.example."));
	for (uint8_t i = 0; i < 40; i++)
		add_address(m, SECTION_ANSWER, "b.example.", i);
	add(m, SECTION_AUTHORITY, "example.", TYPE_NS, name_octets("ns.example."));
	m->edns.present = true;
	struct message *got = written(m, 512);
	assert_int_equal(got->section[SECTION_ANSWER].count, 29); /* 12 + 17 + 16 + 28 * 16 + 11 of 512 octets */
	assert_int_equal(got->section[SECTION_AUTHORITY].count, 0);
	assert_int_equal(got->flags & FLAG_TC, FLAG_TC);
	assert_true(got->edns.present);
	got = written(m, 1232);
	assert_int_equal(got->section[SECTION_ANSWER].count, 41);
	assert_int_equal(got->section[SECTION_AUTHORITY].count, 1);
	assert_int_equal(got->flags & FLAG_TC, 0);
}

/* A record that does not fit leaves what is before it alone, at whatever octet it ends. */
static void cutting_leaves_the_rest_whole(void **state)
{
	uint8_t wire[512];
	struct message *m = reply("example.", TYPE_NS);
	add(m, SECTION_ANSWER, "example.", TYPE_NS, name_octets("a.example."));
	add(m, SECTION_ANSWER, "example.", TYPE_NS, name_octets("b.example."));
	add(m, SECTION_ANSWER, ".", TYPE_NS, name_octets("c.example."));
	size_t length = message_write(m, wire, sizeof wire);
	for (size_t size = 12 + 9 + 4; size < length; size++) {
		struct message *got = written(m, size);
		for (size_t i = 0; i < got->section[SECTION_ANSWER].count; i++)
			assert_same_record(&got->section[SECTION_ANSWER].records[i],
				&m->section[SECTION_ANSWER].records[i]);
	}
}

static void additional_records_go_without_tc(void **state)
{
	struct message *m = reply("a.example.", TYPE_A);
	add_address(m, SECTION_ANSWER, "a.example.", 1);
	for (uint8_t i = 0; i < 40; i++)
		add_address(m, SECTION_ADDITIONAL, i < 5 ? "b.example." : "c.example.", i);
	struct message *got = written(m, 512);
	assert_int_equal(got->section[SECTION_ANSWER].count, 1);
	assert_int_equal(got->section[SECTION_ADDITIONAL].count, 5);
	assert_int_equal(got->flags & FLAG_TC, 0);
}

static void missing_glue_sets_tc(void **state)
{
	struct message *m = reply("a.example.", TYPE_A);
	add(m, SECTION_AUTHORITY, "a.example.", TYPE_NS, name_octets("b.example."));
	for (uint8_t i = 0; i < 40; i++)
		add_address(m, SECTION_ADDITIONAL, i < 5 ? "b.example." : "c.example.", i);
	m->glue_count = 5;
	assert_int_equal(written(m, 512)->flags & FLAG_TC, 0);
	m->glue_count = 6;
	assert_int_equal(written(m, 512)->flags & FLAG_TC, FLAG_TC);
	assert_int_equal(written(m, 1232)->flags & FLAG_TC, 0);
}

static void a_record_that_fits_exactly_stays(void **state)
{
	uint8_t wire[512];
	struct message *m = reply("a.example.", TYPE_A);
	add_address(m, SECTION_ANSWER, "a.example.", 1);
	m->edns.present = true;
	size_t length = message_write(m, wire, sizeof wire);
	assert_int_equal(message_write(m, wire, length), length);
	assert_int_equal(written(m, length - 1)->section[SECTION_ANSWER].count, 0);
	size_t least = length - 16;
	assert_int_equal(message_write(m, wire, least), least);
	for (size_t size = 0; size < least; size++)
		assert_int_equal(message_write(m, wire, size), 0);
}

/* --- the encoded form --- */

static struct message *kept(struct message *m, uint32_t ttl)
{
	struct message *k = arena_new_object(arena, struct message);
	k->id = 0x4321;
	k->flags = FLAG_QR | FLAG_AA;
	k->rcode = m->rcode;
	k->has_question = true;
	k->question = m->question;
	k->encoded = arena_new_object(arena, struct encoded);
	assert_true(message_encode(m, arena, k->encoded));
	k->encoded->ttl = ttl;
	return k;
}

static struct message *cacheable(void)
{
	struct message *m = reply("www.example.org.", TYPE_MX);
	add(m, SECTION_ANSWER, "www.example.org.", TYPE_MX,
		joined(octets("\0\12", 2), name_octets("mail.example.org.")));
	add(m, SECTION_AUTHORITY, "example.org.", TYPE_NS, name_octets("ns.example.org."));
	for (uint8_t i = 0; i < 10; i++)
		add_address(m, SECTION_ADDITIONAL, "mail.example.org.", i);
	return m;
}

static void encoded_is_patched(void **state)
{
	struct message *k = kept(cacheable(), 77);
	k->edns.present = true;
	k->edns.udp_size = 4096;
	struct message *got = written(k, 1232);
	assert_int_equal(got->id, 0x4321);
	assert_int_equal(got->flags, FLAG_QR | FLAG_AA);
	assert_int_equal(got->edns.udp_size, 4096);
	assert_int_equal(got->section[SECTION_ADDITIONAL].count, 10);
	struct message *opened = message_copy(arena, k);
	message_open(opened, arena);
	assert_true(opened->encoded->reopened && !k->encoded->reopened);
	assert_same(got, written(opened, 1232));
	for (int id = 0; id < SECTION_COUNT; id++) {
		for (size_t i = 0; i < got->section[id].count; i++)
			assert_int_equal(got->section[id].records[i].ttl, 77);
	}
	assert_int_equal(message_size(k), message_size(opened));
}

/* As it would be if it had not been kept: the records that fit are there. */
static void encoded_answer_is_cut_within(void **state)
{
	struct message *m = cacheable(), *plain = message_copy(arena, m);
	for (int i = 0; i < 20; i++)
		section_add(&m->section[SECTION_ANSWER], arena, m->section[SECTION_ANSWER].records[0]);
	plain->section[SECTION_ANSWER] = m->section[SECTION_ANSWER];
	struct message *got = written(kept(m, 5), 150);
	assert_in_range(got->section[SECTION_ANSWER].count, 2, 10);
	assert_int_equal(got->section[SECTION_ANSWER].count,
		written(plain, 150)->section[SECTION_ANSWER].count);
	assert_int_equal(got->section[SECTION_ANSWER].records[1].ttl, 5);
	assert_int_equal(got->flags & FLAG_TC, FLAG_TC);
}

static void encoded_is_cut_by_sections(void **state)
{
	struct message *k = kept(cacheable(), 5);
	struct message *got = written(k, 120);
	assert_int_equal(got->section[SECTION_ANSWER].count, 1);
	assert_int_equal(got->section[SECTION_AUTHORITY].count, 1);
	assert_int_equal(got->section[SECTION_ADDITIONAL].count, 0);
	assert_int_equal(got->flags & FLAG_TC, 0);
	got = written(k, 70);
	assert_int_equal(got->section[SECTION_ANSWER].count, 1);
	assert_int_equal(got->section[SECTION_AUTHORITY].count, 0);
	assert_int_equal(got->flags & FLAG_TC, FLAG_TC);
	got = written(k, 40);
	assert_int_equal(got->section[SECTION_ANSWER].count, 0);
	assert_int_equal(got->flags & FLAG_TC, FLAG_TC);
	uint8_t wire[32];
	assert_int_equal(message_write(k, wire, sizeof wire), 0);
}

/* Whoever changes the question after the answer was kept gets the same records under it; so does another case. */
static void encoded_with_another_question(void **state)
{
	static const char *const questions[] = { "longer.www.example.org.", "WWW.eXample.ORG." };
	for (size_t i = 0; i < 2; i++) {
		struct message *k = kept(cacheable(), 5);
		k->question.name = name(questions[i]);
		struct message *got = written(k, 1232);
		assert_string_equal(name_text(arena, got->question.name), questions[i]);
		assert_int_equal(got->section[SECTION_ADDITIONAL].count, 10);
		struct name owner = got->section[SECTION_ANSWER].records[0].owner;
		assert_string_equal(name_text(arena, owner), "www.example.org.");
	}
}

/* What must be looked at by message_read() is not sent on as it came. */
static void what_passes_as_it_came(void **state)
{
	static const struct {
		const char *what, *wire;
		size_t length;
		bool passes;
	} rows[] = {
#define ROW(what, wire, passes) { what, wire, sizeof(wire) - 1, passes }
		ROW("no records", HEAD("\1", "\0", "\0") QUESTION, true),
		ROW("no question", HEAD("\0", "\0", "\0"), false),
		ROW("octets behind", HEAD("\1", "\1", "\0") QUESTION
			"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\1\2\3\4zzz", true),
		ROW("fewer than counted", HEAD("\1", "\2", "\0") QUESTION
			"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\1\2\3\4", false),
		ROW("OPT with an extended rcode", HEAD("\1", "\1", "\1") QUESTION
			"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\1\2\3\4"
			"\0\0\x29\2\0\1\0\0\0\0\5\0\3\0\1a", true),
		ROW("OPT before a record", HEAD("\1", "\0", "\2") QUESTION
			"\0\0\x29\2\0\0\0\0\0\0\0"
			"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\1\2\3\4", false),
		ROW("TSIG", HEAD("\1", "\0", "\1") QUESTION "\0\0\xfa\0\xff\0\0\0\0\0\0", false),
		ROW("an update's deletion", HEAD("\1", "\1", "\0") QUESTION
			"\xc0\x0c\0\1\0\xff\0\0\0\0\0\0", false),
		ROW("owners by label and pointer", HEAD("\1", "\2", "\0") QUESTION
			"\1b\xc0\x0c\0\1\0\1\0\0\0\1\0\4\1\2\3\4"
			"\xc0\x13\0\2\0\1\0\0\0\2\0\2\xc0\x13", true),
#undef ROW
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bool got = passes((const uint8_t *)rows[i].wire, rows[i].length);
		if (got != rows[i].passes)
			print_message("%s\n", rows[i].what);
		assert_int_equal(got, rows[i].passes);
	}
}

static void what_is_too_long_is_not_kept(void **state)
{
	struct message *m = reply("a.", TYPE_TXT);
	char text[251];
	memset(text, 'x', sizeof text);
	text[0] = (char)250;
	for (int i = 0; i < 260; i++)
		add(m, SECTION_ANSWER, "a.", TYPE_TXT, octets(text, sizeof text));
	struct encoded e;
	assert_false(message_encode(m, arena, &e));
	m->section[SECTION_ANSWER].count = 240;
	assert_true(message_encode(m, arena, &e));
	m->has_question = false;
	assert_false(message_encode(m, arena, &e));
}

/* --- EDNS options --- */

static bool well_formed(uint16_t code, const char *data, size_t length)
{
	struct edns e = { .present = true };
	edns_option_add(&e, arena, OPTION_NSID, VIEW(""));
	edns_option_add(&e, arena, code, (struct view){ data, length });
	return edns_options_well_formed(&e);
}

#define WELL_FORMED(code, data) well_formed(code, data, sizeof data - 1)

static void malformed_options_are_known(void **state)
{
	(void)state;
	assert_true(WELL_FORMED(OPTION_SUBNET, "\0\1\30\0\300\0\2"));
	assert_true(WELL_FORMED(OPTION_SUBNET, "\0\1\40\40\300\0\2\1"));
	assert_true(WELL_FORMED(OPTION_SUBNET, "\0\2\200\0\x20\1"));
	assert_true(WELL_FORMED(OPTION_SUBNET, "\0\0\0\0"));
	assert_false(WELL_FORMED(OPTION_SUBNET, "\0\0\1\0"));
	assert_false(WELL_FORMED(OPTION_SUBNET, "\0\1\41\0\300\0\2\1\1"));
	assert_false(WELL_FORMED(OPTION_SUBNET, "\0\1\30\41\300\0\2"));
	assert_false(WELL_FORMED(OPTION_SUBNET, "\0\2\201\0"));
	assert_false(WELL_FORMED(OPTION_SUBNET, "\0\3\0\0"));
	assert_false(WELL_FORMED(OPTION_SUBNET, "\0\1\0"));
	assert_true(WELL_FORMED(OPTION_EXPIRE, "") && WELL_FORMED(OPTION_EXPIRE, "\0\0\0\1"));
	assert_false(WELL_FORMED(OPTION_EXPIRE, "\0\0\1"));
	assert_true(WELL_FORMED(OPTION_TCP_KEEPALIVE, "") && WELL_FORMED(OPTION_TCP_KEEPALIVE, "\0\1"));
	assert_false(WELL_FORMED(OPTION_TCP_KEEPALIVE, "\0") || WELL_FORMED(OPTION_TCP_KEEPALIVE, "\0\0\1"));
	assert_true(WELL_FORMED(OPTION_EXTENDED_ERROR, "\0\17text"));
	assert_false(WELL_FORMED(OPTION_EXTENDED_ERROR, "\0") || WELL_FORMED(OPTION_ZONE_VERSION, ""));
	assert_true(WELL_FORMED(OPTION_COOKIE, "\0") && WELL_FORMED(65001, ""));
}

static void options_are_changed(void **state)
{
	struct edns e = { .present = true };
	struct view data;
	edns_option_add(&e, arena, 1, VIEW("one"));
	edns_option_add(&e, arena, 2, VIEW(""));
	edns_option_add(&e, arena, 1, VIEW("again"));
	assert_true(edns_option_find(&e, 1, &data) && view_is(data, "one"));
	edns_option_set(&e, arena, 1, VIEW("new"));
	assert_true(edns_option_find(&e, 1, &data) && view_is(data, "new"));
	assert_int_equal(e.options.length, 4 + 3 + 4);
	edns_option_set(&e, arena, 3, VIEW("three"));
	assert_true(edns_option_find(&e, 3, &data) && view_is(data, "three"));
	edns_option_remove(&e, arena, 1);
	assert_false(edns_option_find(&e, 1, &data));
	assert_true(edns_option_find(&e, 2, &data) && data.length == 0);
	edns_add_extended_error(&e, arena, 22, VIEW("no reachable authority"));
	assert_true(edns_option_find(&e, OPTION_EXTENDED_ERROR, &data));
	assert_int_equal(rdata_u16(data, 0), 22);
	assert_true(view_is(view_skip(data, 2), "no reachable authority"));
}

/* Writes a reply whose OPT has these options, pads it to `size` at most, and reads its padding back. */
static size_t padded(bool last, size_t size, size_t block, size_t *padding)
{
	static uint8_t wire[1000];
	struct message m = { .flags = FLAG_QR, .edns = { .present = true, .udp_size = 1232 } };
	if (last)
		edns_option_add(&m.edns, arena, 3, VIEW("name server"));
	edns_option_add(&m.edns, arena, OPTION_PADDING, VIEW(""));
	if (!last)
		edns_option_add(&m.edns, arena, 3, VIEW("name server"));
	memset(wire, 'x', sizeof wire);
	size_t length = message_pad(&m, wire, message_write(&m, wire, size), size, block);
	struct message got = { 0 };
	struct view data;
	assert_int_equal(wire[length], 'x');
	assert_int_equal(message_read(&got, arena, wire, length), MESSAGE_OK);
	assert_true(edns_option_find(&got.edns, OPTION_PADDING, &data));
	for (size_t i = 0; i < data.length; i++)
		assert_int_equal(data.at[i], 0);
	*padding = data.length;
	return length;
}

static void padding_reaches_the_next_block(void **state)
{
	size_t padding;
	assert_int_equal(padded(true, 900, 468, &padding), 468);
	assert_int_equal(padding, 468 - 12 - 11 - 4 - 11 - 4);
	assert_int_equal(padded(true, 100, 468, &padding), 100);
	assert_int_equal(padded(true, 900, 42, &padding), 42);
	assert_int_equal(padding, 0);
	assert_int_equal(padded(false, 900, 468, &padding), 42);
}

static void options_have_16_bits(void **state)
{
	struct edns e = { .present = true };
	struct view data = { arena_alloc(arena, 65536), 40000 };
	edns_option_add(&e, arena, 1, data);
	edns_option_add(&e, arena, 2, data);
	assert_int_equal(e.options.length, 40004);
	data.length = 65532;
	edns_option_set(&e, arena, 1, data);
	assert_int_equal(e.options.length, 40004);
}

int main(void)
{
	hash_init();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_query_is_read_in_place, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_common_answer_is_one_pointer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(suffixes_are_compressed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			suffixes_of_all_lengths_are_compressed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(case_is_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			names_of_newer_types_are_not_compressed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_shape_survives, set_up, tear_down),
		cmocka_unit_test_setup_teardown(records_without_rdata_survive, set_up, tear_down),
		cmocka_unit_test_setup_teardown(big_messages_survive, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_rcode_needs_its_opt, set_up, tear_down),
		cmocka_unit_test_setup_teardown(malformed_messages_are_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_was_read_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(damaged_messages_do_no_harm, set_up, tear_down),
		cmocka_unit_test_setup_teardown(expansion_has_a_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(answers_are_cut_by_records, set_up, tear_down),
		cmocka_unit_test_setup_teardown(cutting_leaves_the_rest_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(additional_records_go_without_tc, set_up, tear_down),
		cmocka_unit_test_setup_teardown(missing_glue_sets_tc, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_record_that_fits_exactly_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(encoded_is_patched, set_up, tear_down),
		cmocka_unit_test_setup_teardown(encoded_answer_is_cut_within, set_up, tear_down),
		cmocka_unit_test_setup_teardown(encoded_is_cut_by_sections, set_up, tear_down),
		cmocka_unit_test_setup_teardown(encoded_with_another_question, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_passes_as_it_came, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_too_long_is_not_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(malformed_options_are_known, set_up, tear_down),
		cmocka_unit_test_setup_teardown(options_are_changed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(padding_reaches_the_next_block, set_up, tear_down),
		cmocka_unit_test_setup_teardown(options_have_16_bits, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
