/* Numbers inside rdata that have mnemonics of their own: DNSSEC algorithms, certificate types,
 * DSYNC schemes, TTLs, times. */
#ifndef ISTHMUS_DNS_RDATA_NUMBERS_H
#define ISTHMUS_DNS_RDATA_NUMBERS_H

#include "base/text.h"

/* A number or its mnemonic in any case; false if the text is neither. */
bool algorithm_parse(struct view text, uint8_t *algorithm); /* RFC 8624, IANA */
bool cert_type_parse(struct view text, uint16_t *type);	    /* RFC 4398 2.1 */
bool scheme_parse(struct view text, uint8_t *scheme);	    /* RFC 9859 2.3 */
bool protocol_parse(struct view text, uint8_t *protocol);   /* TCP and UDP */

/* Adds the mnemonic, or the number where there is none. */
void text_add_algorithm(struct text *t, uint8_t algorithm);
void text_add_cert_type(struct text *t, uint16_t type);
void text_add_scheme(struct text *t, uint8_t scheme);

/* Seconds, or numbers with the units s m h d w ("1h30m", RFC 2308 and BIND), up to 2^32-1; false
 * for anything else. */
bool ttl_parse(struct view text, uint32_t *ttl);

/* A time of RRSIG: YYYYMMDDHHmmSS, of which 32 bits of seconds are kept, else seconds since 1970
 * (RFC 4034 3.2); false if the text is neither. */
bool time_parse(struct view text, uint32_t *time);

/* Adds YYYYMMDDHHmmSS: of the points that the 32 bits may mean the last one up to 68 years ahead
 * (RFC 1982). */
void text_add_time(struct text *t, uint32_t time);

#endif
