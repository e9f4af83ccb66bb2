/* Rdata on its way in and out of a message: checked and decompressed, written with compression; by
 * rdata_fields(). */
#ifndef ISTHMUS_DNS_RDATA_WIRE_H
#define ISTHMUS_DNS_RDATA_WIRE_H

#include "dns/reader.h"
#include "dns/writer.h"

/*
 * Walks over the rdata of `length` octets that `r` is (to its end) and checks it against its type's
 * fields: r->failed if it does not fit them. Gives the length that it has without compression; 0 if
 * nothing in it is compressed.
 */
/*@ requires reader_ok(r);
    terminates \true;
    assigns r->at, r->failed;
    ensures reader_ok(r) && \result <= 65535;
*/
size_t rdata_check(struct reader *r, uint16_t type, uint16_t length);

/* Writes the rdata that `r` is, which rdata_check() has passed, with its names decompressed. */
/*@ requires reader_ok(r) && writer_ok(to) && \separated(r, to);
    requires \separated(r, to, to->base + (0 .. to->end - 1));
    terminates \true;
    assigns r->at, r->failed, to->at, to->failed, to->base[0 .. to->end - 1];
    ensures reader_ok(r) && writer_ok(to);
*/
void rdata_expand(struct reader *r, uint16_t type, struct writer *to);

/* Whether a type's names may be compressed (RFC 3597 4). */
bool rdata_may_compress(uint16_t type);

/*
 * Writes well-formed rdata, compressing the names that may be (RFC 3597 4); its length, which has
 * been written before it, then becomes what it is with compression.
 */
void write_rdata(struct writer *w, uint16_t type, const uint8_t *rdata, uint16_t length);

#endif
