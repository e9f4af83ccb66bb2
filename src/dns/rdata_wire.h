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

/* Passes over the next `length` octets, rdata that is checked so. */
/*@ requires reader_ok(r);
    terminates \true;
    assigns r->at, r->failed;
    ensures reader_ok(r) && \old(r->at) <= r->at && \result <= 65535;
    ensures !r->failed ==> !\old(r->failed) && r->at == \old(r->at) + length;
*/
size_t read_rdata(struct reader *r, uint16_t type, uint16_t length);

/* Writes rdata that read_rdata() has just passed over, from offset `from` on, with its names decompressed, into the `size` octets
 * at `to`, which are as many as that gave. */
/*@ requires reader_ok(r) && r->start <= from <= r->at && size <= 65535;
    requires \valid(to + (0 .. size - 1));
    terminates \true;
    assigns to[0 .. size - 1];
*/
void rdata_expand(
	const struct reader *r, size_t from, uint16_t type, uint8_t *to, size_t size);

/* Whether a type's names may be compressed (RFC 3597 4). */
/*@ terminates \true;
    assigns \nothing;
*/
bool rdata_may_compress(uint16_t type);

/*
 * Writes well-formed rdata, compressing the names that may be (RFC 3597 4); its length, which has
 * been written before it, then becomes what it is with compression.
 */
/*@ requires writer_ok(w) && outside(w, rdata, length);
    terminates \true;
    assigns w->at, w->failed, w->base[0 .. w->end - 1], w->slots[0 .. WRITER_SLOTS - 1];
    ensures writer_ok(w) && \old(w->at) <= w->at;
*/
void write_rdata(struct writer *w, uint16_t type, const uint8_t *rdata, uint16_t length);

#endif
