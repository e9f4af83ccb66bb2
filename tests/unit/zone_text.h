/* Zones from text, and answers as text, for the tests of src/zone. */
#ifndef ISTHMUS_TEST_ZONE_TEXT_H
#define ISTHMUS_TEST_ZONE_TEXT_H

#include "test.h"

#include "dns/rdata.h"
#include "dns/zonefile.h"
#include "zone/zone.h"
#include <stdlib.h>

/* Gives the records of a text to the builder. */
static inline void zone_text_add(
	struct zone_builder *b, struct arena *a, const char *origin, const char *text)
{
	struct zonefile reader;
	struct record r;
	zonefile_open(&reader, a, view_of(text), "text", name_from_text(a, view_of(origin)));
	while (zonefile_next(&reader, &r))
		assert_int_not_equal(zone_add(b, &r), ZONE_REFUSED);
	if (reader.error)
		fail_msg("%s", reader.error);
}

static inline struct zone *zone_from_text(struct arena *a, const char *origin, const char *text)
{
	struct zone_builder *b = zone_builder_new(name_from_text(a, view_of(origin)));
	zone_text_add(b, a, origin, text);
	struct zone *z = zone_seal(b);
	if (!z)
		fail_msg("%s", zone_builder_error(b));
	zone_builder_free(b);
	return z;
}

/* What a test wants to see of a record. */
enum shown { SHOW_ALL, SHOW_OWNER_AND_TYPE };

static inline void print_found(struct text *to, const struct record *r, enum shown shown)
{
	char owner[NAME_TEXT_MAX], type[MNEMONIC_MAX];
	if (shown == SHOW_OWNER_AND_TYPE) {
		name_print(r->owner, owner);
		text_printf(to, "%s %s", owner, type_print(r->type, type));
		if (r->type == TYPE_RRSIG)
			text_printf(to, " %s", type_print(rdata_u16(record_rdata(r), 0), type));
		return;
	}
	struct text line = { 0 };
	record_print(&line, r);
	for (const char *c = line.at; *c; c++)
		text_add_char(to, *c == '\t' ? ' ' : *c);
	text_free(&line);
}

static inline void print_section(
	struct text *to, const struct section *s, char sign, enum shown shown)
{
	for (size_t i = 0; i < s->count; i++) {
		text_printf(to, "%c ", sign);
		print_found(to, &s->records[i], shown);
		text_add_char(to, '\n');
	}
}

static inline const char *print_reply(
	const struct message *reply, struct arena *a, enum shown shown)
{
	struct text text = { 0 };
	char rcode[MNEMONIC_MAX];
	text_printf(&text, "%s%s\n", rcode_print(reply->rcode, rcode),
		reply->flags & FLAG_AA ? " aa" : "");
	print_section(&text, &reply->section[SECTION_ANSWER], '=', shown);
	print_section(&text, &reply->section[SECTION_AUTHORITY], '!', shown);
	print_section(&text, &reply->section[SECTION_ADDITIONAL], '+', shown);
	const char *copy = arena_string(a, text_view(&text));
	text_free(&text);
	return copy;
}

/* What the zone has ready in wire form is what a lookup gives, and counts as as long; once opened, and once written. */
static inline void compare_encoded(const struct zone *z, struct arena *a, struct question asked,
	const struct message *looked_up)
{
	struct message m = { .flags = FLAG_QR | FLAG_AA, .has_question = true, .question = asked }, read;
	struct message plain = *looked_up;
	uint8_t wire[MESSAGE_MAX];
	m.encoded = zone_encoded(z, &asked, a);
	if (!m.encoded)
		return;
	const char *expected = print_reply(looked_up, a, SHOW_ALL);
	plain.has_question = true;
	plain.question = asked;
	assert_int_equal(message_size(&m), message_size(&plain));
	size_t length = message_write(&m, wire, sizeof wire);
	assert_int_equal(message_read(&read, a, wire, length), MESSAGE_OK);
	assert_string_equal(print_reply(&read, a, SHOW_ALL), expected);
	for (int id = 0; id < SECTION_COUNT; id++)
		assert_int_equal(
			message_record_count(&m, (enum section_id)id), read.section[id].count);
	message_open(&m, a);
	assert_string_equal(print_reply(&m, a, SHOW_ALL), expected);
}

/*
 * The answer to "NAME TYPE", with DNSSEC when " do" follows: "RCODE aa", then a line for each
 * record, with "=" in front for the answer, "!" for the authority and "+" for the additional
 * section.
 */
static inline const char *zone_ask(
	const struct zone *z, struct arena *a, const char *question, enum shown shown)
{
	struct view rest = view_of(question);
	struct name qname = name_copy_lower(a, name_from_text(a, view_word(&rest)));
	uint16_t type;
	assert_true(type_parse(view_word(&rest), &type));
	struct message *reply = arena_new_object(a, struct message);
	bool dnssec = view_is(view_trim(rest), "do");
	zone_lookup(z, qname, type, dnssec, reply, a);
	if (!dnssec)
		compare_encoded(z, a, (struct question){ qname, type, CLASS_IN }, reply);
	return print_reply(reply, a, shown);
}

#endif
