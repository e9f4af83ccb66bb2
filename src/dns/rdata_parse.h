/* Rdata from its presentation form (RFC 1035 5.1, RFC 3597 5), by rdata_fields(). */
#ifndef ISTHMUS_DNS_RDATA_PARSE_H
#define ISTHMUS_DNS_RDATA_PARSE_H

#include "dns/rdata_source.h"

enum { RDATA_PROBLEM_MAX = 64 };

/*
 * Reads the words up to the end of the line, which is taken too, and writes the rdata of this type
 * to s->to. False if that does not work: s->token is the bad word and `why` says what is wrong with
 * it.
 */
bool rdata_parse(struct rdata_source *s, uint16_t type, char why[static RDATA_PROBLEM_MAX]);

#endif
