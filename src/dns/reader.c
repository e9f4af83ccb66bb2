/* Reading names: in place, or with their pointers followed. */
#include "dns/reader.h"

#include "dns/message.h"

enum { POINTERS_MAX = 126 }; /* more than a name of 127 labels can have use for */

size_t read_plain_name(struct reader *r)
{
	size_t at = r->at, length = 0;
	if (r->failed)
		return 0;
	/*@ loop invariant r->at <= at && length == at - r->at && length <= 255;
	    loop assigns at, length;
	    loop variant 256 - length;
	*/
	while (at < r->end) {
		uint8_t label = r->base[at];
		length = length + 1 + label;
		if (label > LABEL_OCTETS_MAX || length > NAME_OCTETS_MAX)
			return 0;
		if (label == 0) {
			r->at = at + 1;
			return length;
		}
		at = at + 1 + label;
	}
	return 0;
}

void read_name(struct reader *r, struct name_buffer *to)
{
	struct reader cursor = { .base = r->base, .start = r->start, .at = r->at, .end = r->end };
	cursor.failed = r->failed;
	size_t lowest = r->at, length = 0;
	unsigned pointers = 0;
	/*@ loop invariant cursor.base == r->base && cursor.start == r->start && cursor.end ==
	   r->end; loop invariant cursor.start <= cursor.at <= cursor.end; loop invariant
	   cursor.start <= lowest <= cursor.end; loop invariant length <= 255 && pointers <=
	   POINTERS_MAX; loop invariant reader_ok(r) && \at(r->at, Pre) <= r->at; loop invariant
	   pointers == 0 ==> cursor.at >= \at(r->at, Pre) + length; loop invariant pointers > 0 ==>
	   r->at > \at(r->at, Pre); loop invariant r->failed == \at(r->failed, Pre) && (length +
	   pointers > 0 ==> !r->failed); loop invariant !cursor.failed ==> !r->failed; loop assigns
	   cursor, lowest, length, pointers, r->at, to->octets[0 .. 254]; loop variant 256 *
	   (POINTERS_MAX + 1 - pointers) - length;
	*/
	while (length < NAME_OCTETS_MAX) {
		uint8_t c = read_u8(&cursor);
		if (cursor.failed)
			break;
		if (c >= NAME_POINTER) {
			size_t target =
				cursor.start + (c - (size_t)NAME_POINTER) * 256 + read_u8(&cursor);
			if (pointers == 0)
				r->at = cursor.at;
			if (cursor.failed || target >= lowest ||
				target < cursor.start + HEADER_SIZE || ++pointers > POINTERS_MAX)
				break;
			/*@ assert target < lowest; // RFC 1035 4.1.4: a prior occurrence
			*/
			lowest = target;
			cursor.at = target;
			continue;
		}
		size_t next = length + 1 + c;
		if (c > LABEL_OCTETS_MAX || next > NAME_OCTETS_MAX)
			break;
		to->octets[length++] = c;
		/*@ loop invariant \at(length, LoopEntry) <= length <= next;
		    loop invariant \at(cursor.at, LoopEntry) <= cursor.at <= cursor.end;
		    loop invariant cursor.at - \at(cursor.at, LoopEntry) == length - \at(length,
		   LoopEntry); loop assigns length, cursor.at, to->octets[0 .. 254]; loop variant
		   next - length;
		*/
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
