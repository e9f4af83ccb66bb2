/*
 * Domain names in wire form without compression (RFC 1035 3.1): a run of labels, each behind its length, the last
 * one the root's empty label. The letters of either case are the same (RFC 4343), and kept as they came.
 *
 * A `struct name` is a view: two words, passed by value; its octets belong to a packet's arena, a snapshot, or a
 * name_buffer. Every name in the program is well formed: only the functions here and the reader make them.
 */
#ifndef ISTHMUS_DNS_NAME_H
#define ISTHMUS_DNS_NAME_H

#include "base/arena.h"
#include "base/view.h"

enum {
	NAME_OCTETS_MAX = 255,
	LABEL_OCTETS_MAX = 63,
	LABELS_MAX = 128, /* the root's included */
	NAME_POINTER = 0xc0, /* in messages a length with both top bits set starts a compression pointer (RFC 1035 4.1.4) */
	NAME_TEXT_MAX = 1024, /* presentation form of the longest name, with final dot and NUL: 4 * 255 */
};

/* Invariant: length 1..255, octets[length - 1] is the root's zero. */
struct name {
	const uint8_t *octets;
	size_t length;
};

/*@ predicate name_octets(uint8_t *octets, integer length) =
      1 <= length <= 255 && \valid_read(octets + (0 .. length - 1));
*/

/* Room for any name, to build one in. */
struct name_buffer {
	size_t length;
	uint8_t octets[NAME_OCTETS_MAX];
};

/*@ requires \valid_read(b);
    terminates \true;
    assigns \nothing;
    ensures \result.octets == &b->octets[0] && \result.length == b->length;
*/
static inline struct name name_of(const struct name_buffer *b)
{
	return (struct name){ b->octets, b->length };
}

/* The name of a literal in wire form, without the root's label: NAME_LITERAL("\7example\3org"). */
#define NAME_LITERAL(wire) ((struct name){ (const uint8_t *)(wire), sizeof(wire) })

/* The root. */
extern const struct name name_root;

/*@ terminates \true;
    assigns \nothing;
    ensures \result <==> n.length == 1;
*/
static inline bool name_is_root(struct name n)
{
	return n.length == 1;
}

/* Labels without the root's: 0 for ".", 2 for "example.org.". */
unsigned name_labels(struct name n);

/* The name without its first label; the root's parent is the root. */
static inline struct name name_parent(struct name n)
{
	if (n.length <= 1)
		return n;
	size_t skip = 1u + n.octets[0];
	return (struct name){ n.octets + skip, n.length - skip };
}

/* The last `labels` labels of n (all of it if it has no more): name_suffix("a.b.c.", 2) is "b.c.". */
struct name name_suffix(struct name n, unsigned labels);

/* The first label's octets, without its length; empty for the root. */
static inline struct view name_first_label(struct name n)
{
	return (struct view){ (const char *)n.octets + 1, n.octets[0] };
}

/* Whether a and b are the same name, in whatever case. */
bool name_equal(struct name a, struct name b);

/* Whether n is `zone` or below it. */
bool name_is_under(struct name n, struct name zone);

/* The canonical order of RFC 4034 6.1: negative, 0 or positive as a stands before, at or after b. */
int name_compare(struct name a, struct name b);

/* hash_bytes_nocase over the octets: equal names have equal hashes. */
uint64_t name_hash(struct name n);

/* Whether the first label is "*" (RFC 4592 2.1.1). */
static inline bool name_is_wildcard(struct name n)
{
	return n.length > 2 && n.octets[0] == 1 && n.octets[1] == '*';
}

/* n in lower case, in `to`. */
struct name name_lower(struct name n, struct name_buffer *to);

/* A copy of n in the arena. */
struct name name_copy(struct arena *a, struct name n);
struct name name_copy_lower(struct arena *a, struct name n);

/* `label` put before n; false if a label or the name would be too long or the label is empty. */
bool name_prepend(struct view label, struct name n, struct name_buffer *to);

/* n with its suffix `from` (n is under it) replaced by `by`: RFC 6672 2.2; false if the result is too long. */
bool name_replace_suffix(struct name n, struct name from, struct name by, struct name_buffer *to);

/*
 * Reads the presentation form (RFC 1035 5.1: \. and \DDD), which may lack the final dot: then it is completed with
 * `origin`. "@" has no meaning here. False for an empty text, an empty label, a label over 63 octets, a name over
 * 255, a bad escape.
 */
bool name_parse(struct view text, struct name origin, struct name_buffer *to);

/* As name_parse with the root as origin, the result in the arena; a name of length 0 if the text is none. */
struct name name_from_text(struct arena *a, struct view text);

/*
 * The presentation form with its final dot, NUL-terminated, in `to`; gives its length. Escapes as CoreDNS prints
 * them: \DDD for octets outside 0x20..0x7e, a backslash before . ( ) ; @ " \ ' and blank.
 */
size_t name_print(struct name n, char to[static NAME_TEXT_MAX]);

/* The same in the arena. */
const char *name_text(struct arena *a, struct name n);

#endif
