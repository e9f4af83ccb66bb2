/* Reading names: in place, or with their pointers followed. */
#include "dns/reader.h"

#include "dns/message.h"

enum {
	POINTER = 0xc0,	    /* an octet with both top bits set starts a pointer */
	POINTERS_MAX = 126, /* more than a name of 127 labels can have use for */
};

size_t read_plain_name(struct reader *r)
{
	size_t at = r->at, length = 0;
	while (!r->failed && at < r->end) {
		uint8_t label = r->base[at];
		at = at + 1 + label;
		length = length + 1 + label;
		if (label > LABEL_OCTETS_MAX || length > NAME_OCTETS_MAX || at > r->end)
			return 0;
		if (label == 0) {
			r->at = at;
			return length;
		}
	}
	return 0;
}

void read_name(struct reader *r, struct name_buffer *to)
{
	struct reader cursor = *r;
	size_t lowest = r->at, length = 0;
	unsigned pointers = 0;
	while (length < NAME_OCTETS_MAX) {
		uint8_t c = read_u8(&cursor);
		if (cursor.failed)
			break;
		if (c >= POINTER) {
			size_t target =
				cursor.start + (c - (size_t)POINTER) * 256 + read_u8(&cursor);
			if (pointers == 0)
				r->at = cursor.at;
			if (cursor.failed || target >= lowest ||
				target < cursor.start + HEADER_SIZE || ++pointers > POINTERS_MAX)
				break;
			lowest = target;
			cursor.at = target;
			continue;
		}
		size_t next = length + 1 + c;
		if (c > LABEL_OCTETS_MAX || next > NAME_OCTETS_MAX)
			break;
		to->octets[length++] = c;
		while (length < next && cursor.at < cursor.end)
			to->octets[length++] = cursor.base[cursor.at++];
		if (length < next)
			break;
		if (c == 0) {
			if (pointers == 0)
				r->at = cursor.at;
			to->length = length;
			return;
		}
	}
	r->failed = true;
	to->octets[0] = 0;
	to->length = 1;
}
