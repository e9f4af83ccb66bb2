/* Writing names with compression: a small hash table of the suffixes that are in the message
 * already. */
#include "dns/writer.h"

enum { PROBES = 8 }; /* slots tried for one suffix; what finds no slot is not remembered */

/* Whether the name written at offset `at` is n's tail that begins at octet i. */
/*@ requires writer_room(w) && name_octets(n.octets, n.length) && at <= 65535;
    terminates \true;
    assigns \nothing;
*/
static bool name_written(const struct writer *w, size_t at, struct name n, size_t i)
{
	/*@ loop invariant 0 <= i && (i < n.length ==> at <= 65535) && at <= 131072;
	    loop assigns i, at;
	    loop variant (256 - i) * 65536 + at;
	*/
	while (i < n.length && at < w->at) {
		uint8_t c = w->base[at];
		if (c >= NAME_POINTER) {
			size_t next = at + 1;
			if (next >= w->at)
				return false;
			size_t target = (c - (size_t)NAME_POINTER) * 256 + w->base[next];
			if (target >= at)
				return false;
			at = target;
			continue;
		}
		if (c != n.octets[i])
			return false;
		if (c == 0)
			return true;
		at++;
		i++;
		/*@ loop invariant \at(i, LoopEntry) <= i <= n.length && at <= w->at;
		    loop invariant at - \at(at, LoopEntry) == i - \at(i, LoopEntry);
		    loop assigns i, at, c;
		    loop variant n.length - i;
		*/
		while (c > 0 && i < n.length && at < w->at) {
			if (w->base[at] != n.octets[i])
				return false;
			at++;
			i++;
			c--;
		}
	}
	return false;
}

/* Where to look for the suffix of n that begins at octet i: its length and the ends of its first label say it. */
/*@ requires name_octets(n.octets, n.length) && i < n.length;
    terminates \true;
    assigns \nothing;
    ensures \result < WRITER_SLOTS;
*/
static size_t suffix_slot(struct name n, size_t i)
{
	size_t hash = 256 + n.length - i, first = i + 1, last = i + n.octets[i];
	if (last < n.length && first < n.length)
		hash += n.octets[first] * 37u + n.octets[last] * 101u;
	return hash % WRITER_SLOTS;
}

/* The offset at which the suffix of n that begins at octet i has been written. 0 if it is not known: it is remembered that
 * it now comes. */
/*@ requires writer_room(w) && name_octets(n.octets, n.length) && i < n.length;
    terminates \true;
    assigns w->slots[0 .. WRITER_SLOTS - 1];
*/
static size_t suffix_find_or_remember(struct writer *w, struct name n, size_t i)
{
	size_t slot = suffix_slot(n, i), at = w->at;
	/*@ loop invariant slot < WRITER_SLOTS && 0 <= probe <= PROBES;
	    loop assigns slot, probe;
	    loop variant PROBES - probe;
	*/
	for (unsigned probe = 0; probe < PROBES; probe++) {
		if (w->slots[slot] == 0) {
			if (at < POINTER_REACH)
				w->slots[slot] = (uint16_t)at;
			return 0;
		}
		if (name_written(w, w->slots[slot], n, i))
			return w->slots[slot];
		slot = (slot + 1) % WRITER_SLOTS;
	}
	return 0;
}

/* Whether the suffix of a that begins at octet i and that of b at j, which are as long, are the same. Eight octets at a time,
 * the last eight first. */
/*@ requires name_octets(a.octets, a.length) && name_octets(b.octets, b.length);
    requires i <= a.length && j <= b.length && a.length - i == b.length - j;
    terminates \true;
    assigns \nothing;
*/
static bool same_suffix(struct name a, size_t i, struct name b, size_t j)
{
	if (a.length >= i + 8 && b.length >= 8) {
		if (!same_eight(a.octets + a.length - 8, b.octets + b.length - 8))
			return false;
		/*@ loop invariant i <= a.length && j <= b.length;
		    loop assigns i, j;
		    loop variant a.length - i;
		*/
		for (; i + 8 < a.length && j + 8 < b.length; i += 8, j += 8) {
			if (!same_eight(a.octets + i, b.octets + j))
				return false;
		}
		return true;
	}
	/*@ loop invariant i <= a.length && j <= b.length;
	    loop assigns i, j;
	    loop variant a.length - i;
	*/
	while (i < a.length && j < b.length) {
		if (a.octets[i++] != b.octets[j++])
			return false;
	}
	return true;
}

/*
 * The offset of the question's suffix that is n's suffix from octet i on; 0 if the question has no such suffix. Most names of
 * a message end as its question does, and this needs no table.
 */
/*@ requires writer_ok(w) && name_octets(n.octets, n.length) && i < n.length;
    terminates \true;
    assigns \nothing;
    ensures \result <= 66000;
*/
static size_t question_suffix(const struct writer *w, struct name n, size_t i)
{
	struct name q = w->question;
	size_t j = 0;
	/*@ loop invariant 0 <= j <= 512;
	    loop assigns j;
	    loop variant q.length - j;
	*/
	while (j < q.length && q.octets[j] != 0 && q.length + i > n.length + j)
		j = j + 1 + q.octets[j];
	if (q.length + i != n.length + j)
		return 0;
	return same_suffix(q, j, n, i) ? w->question_at + j : 0;
}

/*@ requires writer_room(w);
    terminates \true;
    assigns w->at, w->failed, w->base[0 .. w->end - 1];
    ensures writer_room(w) && \old(w->at) <= w->at;
*/
static void write_pointer(struct writer *w, size_t at)
{
	write_u16(w, (uint16_t)(NAME_POINTER * 256 + at % POINTER_REACH));
}

void write_question_name(struct writer *w, struct name n)
{
	size_t at = w->at;
	write_octets(w, n.octets, n.length);
	w->question.octets = n.octets;
	w->question.length = n.length;
	w->question_at = at;
}

/* The label of n that begins at octet i; gives where the next one begins. */
/*@ requires writer_room(w) && name_octets(n.octets, n.length) && i < n.length;
    terminates \true;
    assigns w->at, w->failed, w->base[0 .. w->end - 1];
    ensures writer_room(w) && \old(w->at) <= w->at && i < \result <= i + 256;
*/
static size_t write_label(struct writer *w, struct name n, size_t i)
{
	uint8_t *base = w->base;
	size_t at = w->at, end = w->end, length = 1u + n.octets[i], next = i + length;
	if (!write_room(w, length))
		return next;
	/*@ loop invariant i <= next && at <= end;
	    loop assigns i, at, base[0 .. end - 1];
	    loop variant next - i;
	*/
	while (i < next && i < n.length && at < end)
		base[at++] = n.octets[i++];
	return next;
}

/* Writes labels until a suffix is met that has been written before, then a pointer to that. */
/*@ requires writer_ok(w) && name_octets(n.octets, n.length) && outside(w, n.octets, n.length);
    terminates \true;
    assigns w->at, w->failed, w->base[0 .. w->end - 1], w->slots[0 .. WRITER_SLOTS - 1];
    ensures writer_ok(w) && \old(w->at) <= w->at;
*/
static void write_by_suffixes(struct writer *w, struct name n)
{
	size_t i = 0;
	/*@ loop invariant writer_ok(w) && \at(w->at, Pre) <= w->at && i <= 512;
	    loop assigns i, w->at, w->failed, w->base[0 .. w->end - 1];
	    loop assigns w->slots[0 .. WRITER_SLOTS - 1];
	    loop variant n.length - i;
	*/
	while (i < n.length && n.octets[i] != 0 && !w->failed) {
		size_t known = question_suffix(w, n, i);
		if (!known)
			known = suffix_find_or_remember(w, n, i);
		if (known) {
			write_pointer(w, known);
			return;
		}
		i = write_label(w, n, i);
	}
	write_u8(w, 0);
}

/*@ requires writer_ok(w) && name_octets(n.octets, n.length);
    terminates \true;
    assigns \nothing;
*/
static bool is_question(const struct writer *w, struct name n)
{
	return w->question.length == n.length &&
	       octets_same(w->question.octets, n.octets, n.length);
}

/* Gives the offset at which the name, or the one that a pointer stands for, begins. */
/*@ requires writer_ok(w) && name_octets(n.octets, n.length) && outside(w, n.octets, n.length);
    terminates \true;
    assigns w->at, w->failed, w->base[0 .. w->end - 1], w->slots[0 .. WRITER_SLOTS - 1];
    ensures writer_ok(w) && \old(w->at) <= w->at && \result <= 65535;
*/
static size_t write_compressed(struct writer *w, struct name n)
{
	size_t at = w->at;
	if (n.length <= 1) {
		write_u8(w, 0);
	} else if (is_question(w, n)) {
		at = w->question_at;
		write_pointer(w, at);
	} else {
		write_by_suffixes(w, n);
	}
	return at;
}

void write_name(struct writer *w, struct name n)
{
	write_compressed(w, n);
}

void write_owner(struct writer *w, struct name n)
{
	if (n.octets == w->owner.octets && n.length == w->owner.length && n.length > 1) {
		write_pointer(w, w->owner_at);
		return;
	}
	size_t at = write_compressed(w, n);
	if (at < POINTER_REACH) {
		w->owner.octets = n.octets;
		w->owner.length = n.length;
		w->owner_at = at;
	}
}
