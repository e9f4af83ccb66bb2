/* Messages as values: sections that grow, copies, sizes. */
#include "dns/message.h"

void section_grow(struct section *s, struct arena *arena)
{
	size_t capacity = s->capacity ? 2 * s->capacity : 4;
	struct record *records = arena_array(arena, capacity, sizeof *records);
	if (s->count)
		memcpy(records, s->records, s->count * sizeof *records);
	s->records = records;
	s->capacity = capacity;
}

static struct section section_copy(struct arena *arena, const struct section *from)
{
	struct section to = { .count = from->count, .capacity = from->count };
	if (from->count) {
		to.records = arena_array(arena, from->count, sizeof *to.records);
		memcpy(to.records, from->records, from->count * sizeof *to.records);
	}
	return to;
}

struct message *message_copy(struct arena *arena, const struct message *m)
{
	struct message *copy = arena_new_object(arena, struct message);
	*copy = *m;
	for (int id = 0; id < SECTION_COUNT; id++)
		copy->section[id] = section_copy(arena, &m->section[id]);
	if (m->encoded) {
		copy->encoded = arena_new_object(arena, struct encoded);
		*copy->encoded = *m->encoded;
	}
	return copy;
}

static size_t section_size(const struct section *s)
{
	size_t size = 0;
	for (size_t i = 0; i < s->count; i++)
		size += s->records[i].owner.length + RECORD_FIXED + s->records[i].rdata_length;
	return size;
}

size_t message_size(const struct message *m)
{
	size_t size = m->edns.present ? OPT_FIXED + m->edns.options.length : 0;
	if (m->encoded && !m->encoded->reopened)
		return size + m->encoded->plain_length;
	size += HEADER_SIZE;
	if (m->has_question)
		size += m->question.name.length + QUESTION_FIXED;
	for (int id = 0; id < SECTION_COUNT; id++)
		size += section_size(&m->section[id]);
	return size;
}
