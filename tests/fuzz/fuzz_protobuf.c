/* Any octets as a protocol buffer, and in it whatever may be a message or packed numbers: views
 * stay inside, and what is written again is read again. */
#include "base/protobuf.h"
#include "fuzz.h"
#include <string.h>

enum { ROOM = 1 << 16, FIELDS_MAX = 4096 };

static uint8_t room[ROOM];

static void packed(struct view octets)
{
	struct protobuf_reader r = protobuf_reader(octets);
	uint64_t value;
	while (protobuf_next_packed(&r, &value))
		;
	MUST(r.at <= r.end);
}

static void rewritten(const struct protobuf_field *f)
{
	struct protobuf_writer w = { .to = room, .room = sizeof room };
	if (f->type == PROTOBUF_OCTETS)
		protobuf_write_octets(&w, f->number, f->octets);
	else
		protobuf_write_number(&w, f->number, f->value);
	if (w.failed)
		return;
	struct protobuf_reader r = protobuf_reader((struct view){ (const char *)room, w.length });
	struct protobuf_field again;
	MUST(protobuf_next(&r, &again) && r.at == r.end);
	MUST(again.number == f->number && again.value == f->value);
	MUST(view_equal(again.octets, f->octets));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct protobuf_reader r = protobuf_reader((struct view){ (const char *)data, size });
	struct protobuf_field f;
	unsigned fields = 0;
	while (protobuf_next(&r, &f)) {
		const uint8_t *at = (const uint8_t *)f.octets.at;
		MUST(!f.octets.length || (at >= data && at + f.octets.length <= data + size));
		if (fields++ < FIELDS_MAX) {
			packed(f.octets);
			rewritten(&f);
		}
	}
	MUST(r.failed || r.at == r.end);
	return 0;
}
