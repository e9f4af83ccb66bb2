/* The numbers of the protocol and their mnemonics: types, classes, rcodes, opcodes (the IANA registries). */
#ifndef ISTHMUS_DNS_TYPES_H
#define ISTHMUS_DNS_TYPES_H

#include "base/view.h"

enum rr_type {
	TYPE_A = 1,
	TYPE_NS = 2,
	TYPE_CNAME = 5,
	TYPE_SOA = 6,
	TYPE_PTR = 12,
	TYPE_HINFO = 13,
	TYPE_MX = 15,
	TYPE_TXT = 16,
	TYPE_SIG = 24,
	TYPE_KEY = 25,
	TYPE_AAAA = 28,
	TYPE_SRV = 33,
	TYPE_NAPTR = 35,
	TYPE_DNAME = 39,
	TYPE_OPT = 41,
	TYPE_DS = 43,
	TYPE_RRSIG = 46,
	TYPE_NSEC = 47,
	TYPE_DNSKEY = 48,
	TYPE_NSEC3 = 50,
	TYPE_NSEC3PARAM = 51,
	TYPE_TLSA = 52,
	TYPE_CDS = 59,
	TYPE_CDNSKEY = 60,
	TYPE_SVCB = 64,
	TYPE_HTTPS = 65,
	TYPE_TKEY = 249,
	TYPE_TSIG = 250,
	TYPE_IXFR = 251,
	TYPE_AXFR = 252,
	TYPE_MAILB = 253,
	TYPE_MAILA = 254,
	TYPE_ANY = 255,
	TYPE_URI = 256,
	TYPE_CAA = 257,
};

enum rr_class {
	CLASS_IN = 1,
	CLASS_CH = 3,
	CLASS_HS = 4,
	CLASS_NONE = 254,
	CLASS_ANY = 255,
};

enum opcode {
	OPCODE_QUERY = 0,
	OPCODE_IQUERY = 1,
	OPCODE_STATUS = 2,
	OPCODE_NOTIFY = 4,
	OPCODE_UPDATE = 5,
};

enum rcode {
	RCODE_NOERROR = 0,
	RCODE_FORMERR = 1,
	RCODE_SERVFAIL = 2,
	RCODE_NXDOMAIN = 3,
	RCODE_NOTIMP = 4,
	RCODE_REFUSED = 5,
	RCODE_YXDOMAIN = 6,
	RCODE_YXRRSET = 7,
	RCODE_NXRRSET = 8,
	RCODE_NOTAUTH = 9,
	RCODE_NOTZONE = 10,
	RCODE_BADVERS = 16,
	RCODE_BADCOOKIE = 23,
};

enum { MNEMONIC_MAX = 16 }; /* the longest mnemonic and its NUL: "NSEC3PARAM", "TYPE65535", "CLASS65535" */

/* Puts the mnemonic, or TYPE123 (RFC 3597 5), into `to` and gives `to`. */
const char *type_print(uint16_t type, char to[static MNEMONIC_MAX]);

/* Puts IN, CH, ... or CLASS5 into `to` and gives `to`. */
const char *class_print(uint16_t class, char to[static MNEMONIC_MAX]);

/* NOERROR, ... or RCODE17 for one without a mnemonic, into `to`; gives `to`. */
const char *rcode_print(uint16_t rcode, char to[static MNEMONIC_MAX]);

/* Mnemonic (any case) or TYPEnnn / CLASSnnn; false if it is neither. */
bool type_parse(struct view text, uint16_t *type);
bool class_parse(struct view text, uint16_t *class);

/* Mnemonic of an rcode in any case (NOTIMPL for NOTIMP too), not a number. */
bool rcode_parse(struct view text, uint16_t *rcode);

#endif
