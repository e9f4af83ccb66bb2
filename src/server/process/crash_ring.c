/*
 * Notes of queries that are being answered.
 *
 * A worker has a few; it keeps the wire's first octets as they came, because what cannot be parsed
 * may be what it dies of. Which notes are free is the worker's own affair (a mask in its thread),
 * so that it uses the same few lines of its cache again and again. A note's time says that it is in
 * use, and is written last.
 */
#include "server/process/crash_ring.h"

#include "base/clock.h"
#include "dns/types.h"
#include "server/supervisor.h"
#include <stdatomic.h>
#include <sys/mman.h>

enum {
	NOTES = 16,	 /* a worker's; more queries that wait are not noted */
	WIRE_KEPT = 272, /* a header, the longest name, type and class */
	HEADER = 12,
};

struct note {
	_Alignas(64) _Atomic uint64_t begun; /* 0: free */
	struct endpoint client;
	uint16_t length;
	uint8_t transport;
	uint8_t wire[WIRE_KEPT];
};

static struct note (*ring)[NOTES];
static unsigned ring_workers;
static _Thread_local uint32_t free_notes = (1u << NOTES) - 1;

void crash_ring_make(unsigned workers)
{
	void *at = mmap(NULL, workers * sizeof *ring, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return; /* then a crash is logged without its query */
	ring = at;
	ring_workers = workers;
}

unsigned crash_ring_begin(unsigned worker, const struct incoming *in)
{
	if (worker >= ring_workers || !free_notes)
		return NOTES;
	unsigned which = (unsigned)__builtin_ctz(free_notes);
	struct note *n = &ring[worker][which];
	size_t length = in->length < WIRE_KEPT ? in->length : WIRE_KEPT;
	free_notes &= free_notes - 1;
	n->client = in->client;
	n->transport = (uint8_t)in->transport;
	n->length = (uint16_t)length;
	memcpy(n->wire, in->wire, length);
	atomic_store_explicit(&n->begun, clock_batch() | 1, memory_order_release);
	return which;
}

void crash_ring_end(unsigned worker, unsigned note)
{
	if (note == NOTES)
		return;
	atomic_store_explicit(&ring[worker][note].begun, 0, memory_order_relaxed);
	free_notes |= 1u << note;
}

/* --- in the supervisor --- */

/* The name behind the header, uncompressed as a question's is; length 0 if none is there whole. */
static struct name question_name(const struct note *n)
{
	size_t at = HEADER, end = n->length < WIRE_KEPT ? n->length : WIRE_KEPT;
	while (at < end && n->wire[at] != 0 && n->wire[at] <= LABEL_OCTETS_MAX)
		at += 1u + n->wire[at];
	size_t length = at + 1 - HEADER;
	if (at >= end || n->wire[at] != 0 || length > NAME_OCTETS_MAX)
		return (struct name){ 0 };
	return (struct name){ n->wire + HEADER, length };
}

static void write_question(struct text *to, const struct note *n)
{
	char text[NAME_TEXT_MAX];
	struct name name = question_name(n);
	size_t at = HEADER + name.length;
	if (!name.length || at + 2 > n->length || at + 2 > WIRE_KEPT) {
		text_printf(to, "a malformed message of %u octets or more", n->length);
		return;
	}
	name_print(name, text);
	text_add_string(to, text);
	text_add_char(to, ' ');
	char type[MNEMONIC_MAX];
	text_add_string(to, type_print((uint16_t)(n->wire[at] << 8 | n->wire[at + 1]), type));
}

static void write_note(struct text *to, const struct note *n)
{
	char client[ENDPOINT_TEXT_MAX];
	write_question(to, n);
	endpoint_print(&n->client, client);
	text_printf(to, " for %s over %s", client, transport_name(n->transport));
}

static struct note *newest(void)
{
	struct note *best = NULL;
	for (unsigned w = 0; w < ring_workers; w++) {
		for (unsigned i = 0; i < NOTES; i++) {
			struct note *n = &ring[w][i];
			if (n->begun && (!best || n->begun > best->begun))
				best = n;
		}
	}
	return best;
}

void crash_ring_report(struct text *to, unsigned most)
{
	for (struct note *n; (n = newest()) != NULL; n->begun = 0) {
		if (most == 0)
			continue;
		most--;
		if (to->length)
			text_add_string(to, ", ");
		write_note(to, n);
	}
}
