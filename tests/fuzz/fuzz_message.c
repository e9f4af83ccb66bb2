/*
 * Any octets as a message: what is read can be written, and what was written reads as the same; cut
 * to any size it is still a message; kept encoded and opened again it says the same.
 */
#include "base/hash.h"
#include "dns/message.h"
#include "fuzz.h"

enum { ARENA_SIZE = 65536 };

static bool same_record(const struct record *a, const struct record *b)
{
	return name_equal(a->owner, b->owner) && a->type == b->type && a->class == b->class &&
	       a->ttl == b->ttl && a->rdata_length == b->rdata_length &&
	       memcmp(a->rdata, b->rdata, a->rdata_length) == 0;
}

static void must_be_same(const struct message *a, const struct message *b)
{
	MUST(a->id == b->id && a->opcode == b->opcode && a->has_question == b->has_question);
	if (a->has_question)
		MUST(name_equal(a->question.name, b->question.name) &&
			a->question.type == b->question.type &&
			a->question.class == b->question.class);
	for (int id = 0; id < SECTION_COUNT; id++) {
		MUST(a->section[id].count == b->section[id].count);
		for (size_t i = 0; i < a->section[id].count; i++)
			MUST(same_record(&a->section[id].records[i], &b->section[id].records[i]));
	}
}

static void must_be_cut_well(const struct message *m, struct arena *arena, size_t size)
{
	static uint8_t wire[MESSAGE_MAX];
	struct message cut;
	size_t length = message_write(m, wire, size);
	MUST(length <= size);
	if (length) {
		enum message_result result = message_read(&cut, arena, wire, length);
		MUST(result == MESSAGE_OK || result == MESSAGE_NO_QUESTION);
	}
}

static void must_keep(const struct message *m, struct arena *arena)
{
	struct encoded form;
	if (!message_encode(m, arena, &form))
		return;
	struct message kept = *m;
	kept.encoded = &form;
	form.ttl = 77;
	for (int id = 0; id < SECTION_COUNT; id++)
		kept.section[id] = (struct section){ 0 };
	MUST(message_size(&kept) == message_size(m));
	must_be_cut_well(&kept, arena, 512);
	message_open(&kept, arena);
	for (int id = 0; id < SECTION_COUNT; id++)
		MUST(kept.section[id].count == m->section[id].count);
}

/* What is sent on as it came says what was read. */
static void must_pass(
	const struct message *m, struct arena *arena, const uint8_t *wire, size_t size)
{
	struct message kept, again;
	static uint8_t copy[MESSAGE_MAX];
	if (!message_read_encoded(&kept, arena, wire, size))
		return;
	MUST(message_size(&kept) == message_size(m));
	size_t length = message_write(&kept, copy, MESSAGE_MAX);
	MUST(length > 0 && message_read(&again, arena, copy, length) == MESSAGE_OK);
	must_be_same(m, &again);
	must_be_cut_well(&kept, arena, 512);
	message_open(&kept, arena);
	must_be_same(m, &kept);
}

static void check(const struct message *m, struct arena *arena, size_t size)
{
	static uint8_t wire[MESSAGE_MAX];
	struct message again;
	size_t length = message_write(m, wire, MESSAGE_MAX);
	if (message_size(m) <= MESSAGE_MAX) {
		MUST(length > 0 && length <= message_size(m));
		enum message_result result = message_read(&again, arena, wire, length);
		MUST(result == MESSAGE_OK || result == MESSAGE_NO_QUESTION);
		must_be_same(m, &again);
	}
	must_be_cut_well(m, arena, 512);
	must_be_cut_well(m, arena, size);
	must_keep(m, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(ARENA_SIZE);
	struct message m;
	enum message_result result = message_read(&m, arena, data, size);
	if (result == MESSAGE_OK) {
		check(&m, arena, size);
		must_pass(&m, arena, data, size);
	} else {
		MUST(!message_read_encoded(&m, arena, data, size));
	}
	arena_free(arena);
	return 0;
}
