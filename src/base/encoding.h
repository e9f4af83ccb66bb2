/* Octets as text: hexadecimal, base64 and base32hex (RFC 4648 8, 4, 7), percent-encoding (RFC 3986 2.1). */
#ifndef ISTHMUS_BASE_ENCODING_H
#define ISTHMUS_BASE_ENCODING_H

#include "base/text.h"

/*
 * Decoding into `to`, at most `room` octets. Starts as { .to = ..., .room = ... }; the text may
 * come in pieces. `length` is what has been decoded so far.
 */
struct decoding {
	uint8_t *to;
	size_t room, length;
	uint32_t bits; /* of digits that do not make an octet yet */
	unsigned held; /* how many bits those are */
	unsigned pads; /* "=" seen */
};

/* Decodes another piece; false for what is no digit, and when there is no more room. */
int hex_digit(char c); /* the value of one hexadecimal digit; -1 for anything else */
bool hex_decode(struct decoding *d, struct view text);
bool base64_decode(struct decoding *d, struct view text);
bool base64url_decode(struct decoding *d, struct view text); /* RFC 4648 5, without padding */
bool base32hex_decode(struct decoding *d, struct view text); /* without padding */

/* Whether the text may end here. base64 needs its padding; octets must be whole. */
bool hex_decoded(const struct decoding *d);
bool base64_decoded(const struct decoding *d);
bool base64url_decoded(const struct decoding *d);
bool base32hex_decoded(const struct decoding *d);

/* Adds octets to a text: hexadecimal in either case, base64 with padding, base64url without, base32hex in upper case
 * without; percent-encoded all but the unreserved characters of RFC 3986 2.3. */
void text_add_hex(struct text *t, struct view octets);
void text_add_hex_upper(struct text *t, struct view octets);
void text_add_base64(struct text *t, struct view octets);
void text_add_base64url(struct text *t, struct view octets);
void text_add_base32hex(struct text *t, struct view octets);
void text_add_percent(struct text *t, struct view octets);

/* Writes base64 with padding to `to`, which has room for 4 digits for each 3 octets begun; gives the number of digits. */
size_t base64_encode(struct view octets, char *to);

/* Writes base32hex in lower case without padding to `to`, which has room for 8 digits for each 5
 * octets begun; gives the number of digits. */
size_t base32hex_encode(struct view octets, char *to);

#endif
