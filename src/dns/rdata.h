/*
 * RDATA: what each type's data is made of. One table (rdata.def) says it; reading from the wire,
 * writing with compression, presentation form both ways and canonical form all follow it.
 */
#ifndef ISTHMUS_DNS_RDATA_H
#define ISTHMUS_DNS_RDATA_H

#include "base/text.h"
#include "dns/message.h"

/* The parts that rdata is made of, in wire order. Every form "to the end" is the last field of its
 * type. */
enum rdata_field {
	FIELD_END = 0,
	FIELD_NAME_COMPRESSED, /* a name that RFC 1035 allows to be compressed when written */
	FIELD_NAME,  /* a name that is never compressed when written (RFC 3597 4), but read if it is
		      */
	FIELD_NAMES, /* any number of names to the end, neither written nor read compressed (HIP) */
	FIELD_U8,
	FIELD_U16,
	FIELD_U32,
	FIELD_U48,
	FIELD_U64,
	FIELD_TTL,	 /* 32 bits, in zone files also with units */
	FIELD_TIME,	 /* 32 bits, YYYYMMDDHHmmSS or seconds (RRSIG) */
	FIELD_TYPE,	 /* 16 bits, a type's mnemonic */
	FIELD_ALGORITHM, /* 8 bits, a DNSSEC algorithm: printed as number, read also as mnemonic */
	FIELD_CERT_TYPE, /* 16 bits, printed as mnemonic (RFC 4398 2.1) */
	FIELD_CERT_ALGORITHM, /* 8 bits, printed as mnemonic (RFC 4398 2.2) */
	FIELD_SCHEME,	      /* 8 bits, printed as mnemonic (RFC 9859) */
	FIELD_IPV4,
	FIELD_IPV6,
	FIELD_STRING,	       /* one <character-string> */
	FIELD_STRING_OPTIONAL, /* one <character-string>, or the end */
	FIELD_STRINGS,	       /* one or more <character-string>s, to the end */
	FIELD_TAG,	       /* one <character-string> of letters and digits, not quoted (CAA) */
	FIELD_TEXT_REST,       /* a quoted text without length octet, to the end (URI, CAA value) */
	FIELD_HEX_REST,	       /* hexadecimal, blanks allowed, to the end */
	FIELD_BASE64_REST,
	FIELD_BASE64_OPTIONAL, /* the same, or nothing (a key that is not there: IPSECKEY, KEY) */
	FIELD_HEX_COUNTED,     /* 8-bit length, then hexadecimal without blanks, "-" for none (NSEC3
				  salt) */
	FIELD_BASE32_COUNTED,  /* 8-bit length, then base32hex (NSEC3 next hashed owner) */
	FIELD_COUNTED_16,      /* 16-bit length, then octets: length and base64 (TKEY, TSIG) */
	FIELD_BITMAP,	       /* type bit maps (RFC 4034 4.1.2) to the end */
	FIELD_PROTOCOL,	       /* 8 bits, an IP protocol's number, read also as TCP and UDP (WKS) */
	FIELD_SERVICES,	       /* a bit map of ports, to the end (WKS) */
	FIELD_EUI48,
	FIELD_EUI64,
	FIELD_ILNP,    /* 64 bits as four groups of hexadecimal (RFC 6742) */
	FIELD_LOC,     /* RFC 1876 */
	FIELD_APL,     /* RFC 3123, to the end */
	FIELD_GATEWAY, /* type of gateway, algorithm, gateway (IPSECKEY, RFC 4025 2); names not
			  compressed */
	FIELD_RELAY,   /* discovery bit, type of relay, relay (AMTRELAY, RFC 8777 4); names not
			  compressed */
	FIELD_HOST_IDENTITY, /* lengths, algorithm, identity tag, public key (HIP, RFC 8005 5) */
	FIELD_SVC_PARAMS,    /* RFC 9460 2.1, 2.2, to the end */
};

/* The fields of a type, ended by FIELD_END; NULL for a type without a table entry (RFC 3597:
 * opaque). */
/*@ axiomatic Fields { // of the table: each list ends
      predicate fields_ok(enum rdata_field *fields);
      logic integer fields_count(enum rdata_field *fields);
      axiom fields_first{L}: \forall enum rdata_field *f;
        fields_ok(f) ==> \valid_read(f) && 0 <= fields_count(f);
      axiom fields_next{L}: \forall enum rdata_field *f;
        fields_ok(f) && *f != FIELD_END ==>
        fields_ok(f + 1) && fields_count(f + 1) < fields_count(f);
    }
*/
/*@ terminates \true;
    assigns \nothing;
    ensures \result != \null ==> fields_ok(\result);
*/
const enum rdata_field *rdata_fields(uint16_t type);

/* The presentation form of a record's rdata, as CoreDNS prints it; \# form for opaque types. */
void rdata_print(struct text *to, uint16_t type, struct view rdata);

/* The whole record: owner, TTL, class, type, rdata, separated by tabs as CoreDNS prints them. */
void record_print(struct text *to, const struct record *r);

/* Calls visit(name, data) for each name in rdata, in order: for additional processing and case
 * folding. */
void rdata_names(
	uint16_t type, struct view rdata, void (*visit)(struct name n, void *data), void *data);

/* The n-th name in rdata (0 first), a view into it; false if there is none. Names that are a choice
 * (gateways) do not count. */
bool rdata_name(uint16_t type, struct view rdata, unsigned n, struct name *out);

/* The canonical form (RFC 4034 6.2, RFC 6840 5.1): names of the types listed there in lower case.
 * rdata itself for other types. */
struct view rdata_canonical(struct arena *a, uint16_t type, struct view rdata);

static inline struct view record_rdata(const struct record *r)
{
	return (struct view){ (const char *)r->rdata, r->rdata_length };
}

/* The 16- or 32-bit number at an offset of well-formed rdata. */
static inline uint16_t rdata_u16(struct view rdata, size_t at)
{
	const unsigned char *p = (const unsigned char *)rdata.at + at;
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t rdata_u32(struct view rdata, size_t at)
{
	return (uint32_t)rdata_u16(rdata, at) << 16 | rdata_u16(rdata, at + 2);
}

/* --- building rdata in an arena --- */
struct view rdata_a(struct arena *a, const uint8_t address[static 4]);
struct view rdata_aaaa(struct arena *a, const uint8_t address[static 16]);
struct view rdata_of_name(struct arena *a, struct name n); /* NS, CNAME, PTR, DNAME */
struct view rdata_mx(struct arena *a, uint16_t preference, struct name exchange);
struct view rdata_srv(
	struct arena *a, uint16_t priority, uint16_t weight, uint16_t port, struct name target);
struct view rdata_soa(struct arena *a, struct name mname, struct name rname, uint32_t serial,
	uint32_t refresh, uint32_t retry, uint32_t expire, uint32_t minimum);
/* TXT: text in strings of at most 255 octets (one empty string for an empty text). */
struct view rdata_txt(struct arena *a, struct view text);

#endif
