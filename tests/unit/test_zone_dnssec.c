/* src/zone: answers with DNSSEC, by the examples of RFC 4035 and RFC 5155. */
#include "zone_text.h"

struct example {
	const char *title, *question, *answer;
};

/* RFC 4035 appendix A, with signatures that say nothing. */
static const char nsec_zone[] =
	"@ 3600 SOA ns1 bugs.x.w 1081539377 3600 300 3600000 3600\n"
	"@ 3600 RRSIG SOA 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"@ 3600 NS ns1\n"
	"@ 3600 RRSIG NS 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"@ 3600 NS ns2\n"
	"@ 3600 MX 1 xx\n"
	"@ 3600 RRSIG MX 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"@ 3600 NSEC a NS SOA MX RRSIG NSEC DNSKEY\n"
	"@ 3600 RRSIG NSEC 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"a 3600 NS ns1.a\n"
	"a 3600 NS ns2.a\n"
	"a 3600 DS 57855 5 1 B6DCD485719ADCA18E5F3D48A2331627FDD3636B\n"
	"a 3600 RRSIG DS 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"a 3600 NSEC ai NS DS RRSIG NSEC\n"
	"a 3600 RRSIG NSEC 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"ns1.a 3600 A 192.0.2.5\n"
	"ns2.a 3600 A 192.0.2.6\n"
	"ai 3600 A 192.0.2.9\n"
	"ai 3600 RRSIG A 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"ai 3600 HINFO KLH-10 ITS\n"
	"ai 3600 RRSIG HINFO 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"ai 3600 AAAA 2001:db8::f00:baa9\n"
	"ai 3600 RRSIG AAAA 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"ai 3600 NSEC b A HINFO AAAA RRSIG NSEC\n"
	"ai 3600 RRSIG NSEC 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"b 3600 NS ns1.b\n"
	"b 3600 NS ns2.b\n"
	"b 3600 NSEC ns1 NS RRSIG NSEC\n"
	"b 3600 RRSIG NSEC 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"ns1.b 3600 A 192.0.2.7\n"
	"ns2.b 3600 A 192.0.2.8\n"
	"ns1 3600 A 192.0.2.1\n"
	"ns1 3600 RRSIG A 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"ns1 3600 NSEC ns2 A RRSIG NSEC\n"
	"ns1 3600 RRSIG NSEC 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"ns2 3600 A 192.0.2.2\n"
	"ns2 3600 RRSIG A 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"ns2 3600 NSEC *.w A RRSIG NSEC\n"
	"ns2 3600 RRSIG NSEC 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"*.w 3600 MX 1 ai\n"
	"*.w 3600 RRSIG MX 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"*.w 3600 NSEC x.w MX RRSIG NSEC\n"
	"*.w 3600 RRSIG NSEC 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"x.w 3600 MX 1 xx\n"
	"x.w 3600 RRSIG MX 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"x.w 3600 NSEC x.y.w MX RRSIG NSEC\n"
	"x.w 3600 RRSIG NSEC 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"x.y.w 3600 MX 1 xx\n"
	"x.y.w 3600 RRSIG MX 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"x.y.w 3600 NSEC xx MX RRSIG NSEC\n"
	"x.y.w 3600 RRSIG NSEC 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"xx 3600 A 192.0.2.10\n"
	"xx 3600 RRSIG A 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"xx 3600 HINFO KLH-10 TOPS-20\n"
	"xx 3600 RRSIG HINFO 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"xx 3600 AAAA 2001:db8::f00:baaa\n"
	"xx 3600 RRSIG AAAA 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"xx 3600 NSEC @ A HINFO AAAA RRSIG NSEC\n"
	"xx 3600 RRSIG NSEC 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n";

/* RFC 4035 appendix B, and what it has no example of. */
static const struct example nsec_examples[] = {
	{ "B.1 answer", "x.w.example. MX do",
		"NOERROR aa\n"
		"= x.w.example. MX\n"
		"= x.w.example. RRSIG MX\n"
		"! example. NS\n"
		"! example. NS\n"
		"! example. RRSIG NS\n"
		"+ xx.example. A\n"
		"+ xx.example. RRSIG A\n"
		"+ xx.example. AAAA\n"
		"+ xx.example. RRSIG AAAA\n" },
	{ "B.2 name error", "ml.example. A do",
		"NXDOMAIN aa\n"
		"! example. SOA\n"
		"! example. RRSIG SOA\n"
		"! b.example. NSEC\n"
		"! b.example. RRSIG NSEC\n"
		"! example. NSEC\n"
		"! example. RRSIG NSEC\n" },
	{ "B.3 no data", "ns1.example. MX do",
		"NOERROR aa\n"
		"! example. SOA\n"
		"! example. RRSIG SOA\n"
		"! ns1.example. NSEC\n"
		"! ns1.example. RRSIG NSEC\n" },
	{ "B.4 referral to a signed zone", "mc.a.example. MX do",
		"NOERROR\n"
		"! a.example. NS\n"
		"! a.example. NS\n"
		"! a.example. DS\n"
		"! a.example. RRSIG DS\n"
		"+ ns1.a.example. A\n"
		"+ ns2.a.example. A\n" },
	{ "B.5 referral to an unsigned zone", "mc.b.example. MX do",
		"NOERROR\n"
		"! b.example. NS\n"
		"! b.example. NS\n"
		"! b.example. NSEC\n"
		"! b.example. RRSIG NSEC\n"
		"+ ns1.b.example. A\n"
		"+ ns2.b.example. A\n" },
	{ "B.6 wildcard expansion", "a.z.w.example. MX do",
		"NOERROR aa\n"
		"= a.z.w.example. MX\n"
		"= a.z.w.example. RRSIG MX\n"
		"! example. NS\n"
		"! example. NS\n"
		"! example. RRSIG NS\n"
		"! x.y.w.example. NSEC\n"
		"! x.y.w.example. RRSIG NSEC\n"
		"+ ai.example. A\n"
		"+ ai.example. RRSIG A\n"
		"+ ai.example. AAAA\n"
		"+ ai.example. RRSIG AAAA\n" },
	{ "B.7 wildcard without data", "a.z.w.example. AAAA do",
		"NOERROR aa\n"
		"! example. SOA\n"
		"! example. RRSIG SOA\n"
		"! *.w.example. NSEC\n"
		"! *.w.example. RRSIG NSEC\n"
		"! x.y.w.example. NSEC\n"
		"! x.y.w.example. RRSIG NSEC\n" },
	{ "B.8 DS of the apex", "example. DS do",
		"NOERROR aa\n"
		"! example. SOA\n"
		"! example. RRSIG SOA\n"
		"! example. NSEC\n"
		"! example. RRSIG NSEC\n" },
	{ "an empty non-terminal", "y.w.example. A do",
		"NOERROR aa\n"
		"! example. SOA\n"
		"! example. RRSIG SOA\n"
		"! x.w.example. NSEC\n"
		"! x.w.example. RRSIG NSEC\n" },
	{ "no DS", "b.example. DS do",
		"NOERROR aa\n"
		"! example. SOA\n"
		"! example. RRSIG SOA\n"
		"! b.example. NSEC\n"
		"! b.example. RRSIG NSEC\n" },
	{ "the NSEC itself", "x.w.example. NSEC do",
		"NOERROR aa\n"
		"= x.w.example. NSEC\n"
		"= x.w.example. RRSIG NSEC\n"
		"! example. NS\n"
		"! example. NS\n"
		"! example. RRSIG NS\n" },
	{ "all signatures", "x.w.example. RRSIG",
		"NOERROR aa\n"
		"= x.w.example. RRSIG MX\n"
		"= x.w.example. RRSIG NSEC\n"
		"! example. NS\n"
		"! example. NS\n" },
	{ "not asked for", "ml.example. A",
		"NXDOMAIN aa\n"
		"! example. SOA\n" },
};

/* RFC 5155 appendix A. */
static const char nsec3_zone[] =
	"@ 3600 SOA ns1 bugs.x.w 1 3600 300 3600000 3600\n"
	"@ 3600 RRSIG SOA 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"@ 3600 NS ns1\n"
	"@ 3600 RRSIG NS 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"@ 3600 NS ns2\n"
	"@ 3600 MX 1 xx\n"
	"@ 3600 RRSIG MX 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"@ 3600 NSEC3PARAM 1 0 12 aabbccdd\n"
	"@ 3600 RRSIG NSEC3PARAM 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom 3600 NSEC3 1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX DNSKEY NS SOA NSEC3PARAM RRSIG\n"
	"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom 3600 RRSIG NSEC3 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"2t7b4g4vsa5smi47k61mv5bv1a22bojr 3600 NSEC3 1 1 12 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG\n"
	"2t7b4g4vsa5smi47k61mv5bv1a22bojr 3600 RRSIG NSEC3 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"2vptu5timamqttgl4luu9kg21e0aor3s 3600 NSEC3 1 1 12 aabbccdd 35mthgpgcu1qg68fab165klnsnk3dpvl MX RRSIG\n"
	"2vptu5timamqttgl4luu9kg21e0aor3s 3600 RRSIG NSEC3 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"35mthgpgcu1qg68fab165klnsnk3dpvl 3600 NSEC3 1 1 12 aabbccdd b4um86eghhds6nea196smvmlo4ors995 NS DS RRSIG\n"
	"35mthgpgcu1qg68fab165klnsnk3dpvl 3600 RRSIG NSEC3 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"b4um86eghhds6nea196smvmlo4ors995 3600 NSEC3 1 1 12 aabbccdd gjeqe526plbf1g8mklp59enfd789njgi MX RRSIG\n"
	"b4um86eghhds6nea196smvmlo4ors995 3600 RRSIG NSEC3 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"gjeqe526plbf1g8mklp59enfd789njgi 3600 NSEC3 1 1 12 aabbccdd ji6neoaepv8b5o6k4ev33abha8ht9fgc A AAAA HINFO RRSIG\n"
	"gjeqe526plbf1g8mklp59enfd789njgi 3600 RRSIG NSEC3 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"ji6neoaepv8b5o6k4ev33abha8ht9fgc 3600 NSEC3 1 1 12 aabbccdd k8udemvp1j2f7eg6jebps17vp3n8i58h\n"
	"ji6neoaepv8b5o6k4ev33abha8ht9fgc 3600 RRSIG NSEC3 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"k8udemvp1j2f7eg6jebps17vp3n8i58h 3600 NSEC3 1 1 12 aabbccdd kohar7mbb8dc2ce8a9qvl8hon4k53uhi\n"
	"k8udemvp1j2f7eg6jebps17vp3n8i58h 3600 RRSIG NSEC3 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"kohar7mbb8dc2ce8a9qvl8hon4k53uhi 3600 NSEC3 1 1 12 aabbccdd q04jkcevqvmu85r014c7dkba38o0ji5r A RRSIG\n"
	"kohar7mbb8dc2ce8a9qvl8hon4k53uhi 3600 RRSIG NSEC3 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"q04jkcevqvmu85r014c7dkba38o0ji5r 3600 NSEC3 1 1 12 aabbccdd r53bq7cc2uvmubfu5ocmm6pers9tk9en A RRSIG\n"
	"q04jkcevqvmu85r014c7dkba38o0ji5r 3600 RRSIG NSEC3 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"r53bq7cc2uvmubfu5ocmm6pers9tk9en 3600 NSEC3 1 1 12 aabbccdd t644ebqk9bibcna874givr6joj62mlhv MX RRSIG\n"
	"r53bq7cc2uvmubfu5ocmm6pers9tk9en 3600 RRSIG NSEC3 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"t644ebqk9bibcna874givr6joj62mlhv 3600 NSEC3 1 1 12 aabbccdd 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom A AAAA HINFO RRSIG\n"
	"t644ebqk9bibcna874givr6joj62mlhv 3600 RRSIG NSEC3 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"2t7b4g4vsa5smi47k61mv5bv1a22bojr 3600 A 192.0.2.127\n"
	"2t7b4g4vsa5smi47k61mv5bv1a22bojr 3600 RRSIG A 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"a 3600 NS ns1.a\n"
	"a 3600 NS ns2.a\n"
	"a 3600 DS 58470 5 1 3079F1593EBAD6DC121E202A8B766A6A4837206C\n"
	"a 3600 RRSIG DS 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"ns1.a 3600 A 192.0.2.5\n"
	"ns2.a 3600 A 192.0.2.6\n"
	"ai 3600 A 192.0.2.9\n"
	"ai 3600 RRSIG A 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"ai 3600 AAAA 2001:db8::f00:baa9\n"
	"ai 3600 RRSIG AAAA 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"c 3600 NS ns1.c\n"
	"c 3600 NS ns2.c\n"
	"ns1.c 3600 A 192.0.2.7\n"
	"ns2.c 3600 A 192.0.2.8\n"
	"ns1 3600 A 192.0.2.1\n"
	"ns1 3600 RRSIG A 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"ns2 3600 A 192.0.2.2\n"
	"ns2 3600 RRSIG A 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"*.w 3600 MX 1 ai\n"
	"*.w 3600 RRSIG MX 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"x.w 3600 MX 1 xx\n"
	"x.w 3600 RRSIG MX 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"x.y.w 3600 MX 1 xx\n"
	"x.y.w 3600 RRSIG MX 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"xx 3600 A 192.0.2.10\n"
	"xx 3600 RRSIG A 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n"
	"xx 3600 AAAA 2001:db8::f00:baaa\n"
	"xx 3600 RRSIG AAAA 5 1 3600 20040509183619 20040409183619 38519 example. AAAA\n";

/* RFC 5155 appendix B, and what it has no example of. */
static const struct example nsec3_examples[] = {
	{ "B.1 name error", "a.c.x.w.example. A do",
		"NXDOMAIN aa\n"
		"! example. SOA\n"
		"! example. RRSIG SOA\n"
		"! b4um86eghhds6nea196smvmlo4ors995.example. NSEC3\n"
		"! b4um86eghhds6nea196smvmlo4ors995.example. RRSIG NSEC3\n"
		"! 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. NSEC3\n"
		"! 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. RRSIG NSEC3\n"
		"! 35mthgpgcu1qg68fab165klnsnk3dpvl.example. NSEC3\n"
		"! 35mthgpgcu1qg68fab165klnsnk3dpvl.example. RRSIG NSEC3\n" },
	{ "B.2 no data", "ns1.example. MX do",
		"NOERROR aa\n"
		"! example. SOA\n"
		"! example. RRSIG SOA\n"
		"! 2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. NSEC3\n"
		"! 2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. RRSIG NSEC3\n" },
	{ "B.2.1 an empty non-terminal", "y.w.example. A do",
		"NOERROR aa\n"
		"! example. SOA\n"
		"! example. RRSIG SOA\n"
		"! ji6neoaepv8b5o6k4ev33abha8ht9fgc.example. NSEC3\n"
		"! ji6neoaepv8b5o6k4ev33abha8ht9fgc.example. RRSIG NSEC3\n" },
	{ "B.3 referral to an opt-out unsigned zone", "mc.c.example. MX do",
		"NOERROR\n"
		"! c.example. NS\n"
		"! c.example. NS\n"
		"! 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. NSEC3\n"
		"! 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. RRSIG NSEC3\n"
		"! 35mthgpgcu1qg68fab165klnsnk3dpvl.example. NSEC3\n"
		"! 35mthgpgcu1qg68fab165klnsnk3dpvl.example. RRSIG NSEC3\n"
		"+ ns1.c.example. A\n"
		"+ ns2.c.example. A\n" },
	{ "B.4 wildcard expansion", "a.z.w.example. MX do",
		"NOERROR aa\n"
		"= a.z.w.example. MX\n"
		"= a.z.w.example. RRSIG MX\n"
		"! example. NS\n"
		"! example. NS\n"
		"! example. RRSIG NS\n"
		"! q04jkcevqvmu85r014c7dkba38o0ji5r.example. NSEC3\n"
		"! q04jkcevqvmu85r014c7dkba38o0ji5r.example. RRSIG NSEC3\n"
		"+ ai.example. A\n"
		"+ ai.example. RRSIG A\n"
		"+ ai.example. AAAA\n"
		"+ ai.example. RRSIG AAAA\n" },
	{ "B.5 wildcard without data", "a.z.w.example. AAAA do",
		"NOERROR aa\n"
		"! example. SOA\n"
		"! example. RRSIG SOA\n"
		"! k8udemvp1j2f7eg6jebps17vp3n8i58h.example. NSEC3\n"
		"! k8udemvp1j2f7eg6jebps17vp3n8i58h.example. RRSIG NSEC3\n"
		"! q04jkcevqvmu85r014c7dkba38o0ji5r.example. NSEC3\n"
		"! q04jkcevqvmu85r014c7dkba38o0ji5r.example. RRSIG NSEC3\n"
		"! r53bq7cc2uvmubfu5ocmm6pers9tk9en.example. NSEC3\n"
		"! r53bq7cc2uvmubfu5ocmm6pers9tk9en.example. RRSIG NSEC3\n" },
	{ "B.6 DS of the apex", "example. DS do",
		"NOERROR aa\n"
		"! example. SOA\n"
		"! example. RRSIG SOA\n"
		"! 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. NSEC3\n"
		"! 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. RRSIG NSEC3\n" },
	{ "no DS under opt-out", "c.example. DS do",
		"NOERROR aa\n"
		"! example. SOA\n"
		"! example. RRSIG SOA\n"
		"! 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. NSEC3\n"
		"! 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. RRSIG NSEC3\n"
		"! 35mthgpgcu1qg68fab165klnsnk3dpvl.example. NSEC3\n"
		"! 35mthgpgcu1qg68fab165klnsnk3dpvl.example. RRSIG NSEC3\n" },
	{ "the owner of an NSEC3 that is a name, too", "2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. A do",
		"NOERROR aa\n"
		"= 2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. A\n"
		"= 2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. RRSIG A\n"
		"! example. NS\n"
		"! example. NS\n"
		"! example. RRSIG NS\n" },
	{ "the owner of an NSEC3 that is no name", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. NSEC3",
		"NXDOMAIN aa\n"
		"! example. SOA\n" },
};

static void check(const char *text, const struct example *examples, size_t count)
{
	struct arena *a = arena_new(4096);
	struct zone *z = zone_from_text(a, "example.", text);
	for (size_t i = 0; i < count; i++) {
		const char *got = zone_ask(z, a, examples[i].question, SHOW_OWNER_AND_TYPE);
		if (strcmp(got, examples[i].answer) != 0)
			fail_msg("%s: got\n%sinstead of\n%s", examples[i].title, got, examples[i].answer);
	}
	zone_free(z);
	arena_free(a);
}

static void nsec(void **state)
{
	(void)state;
	check(nsec_zone, nsec_examples, sizeof nsec_examples / sizeof nsec_examples[0]);
}

static void nsec3(void **state)
{
	(void)state;
	check(nsec3_zone, nsec3_examples, sizeof nsec3_examples / sizeof nsec3_examples[0]);
}

static void add_lines(struct text *to, const char *text, bool signatures)
{
	struct view rest = view_of(text), line;
	while (view_line(&rest, &line)) {
		bool is_signature = memmem(line.at, line.length, " RRSIG ", 7) &&
				    memmem(line.at, line.length, " 38519 ", 7);
		if (is_signature != signatures)
			continue;
		text_add(to, line);
		text_add_char(to, '\n');
	}
}

/* Signatures may stand far from what they sign: here behind everything else. */
static void signatures_apart(void **state)
{
	(void)state;
	struct text apart = { 0 };
	add_lines(&apart, nsec3_zone, false);
	add_lines(&apart, nsec3_zone, true);
	check(apart.at, nsec3_examples, sizeof nsec3_examples / sizeof nsec3_examples[0]);
	text_clear(&apart);
	add_lines(&apart, nsec_zone, false);
	add_lines(&apart, nsec_zone, true);
	check(apart.at, nsec_examples, sizeof nsec_examples / sizeof nsec_examples[0]);
	text_free(&apart);
}

static void parameters_that_cannot_be_used(void **state)
{
	(void)state;
	struct arena *a = arena_new(4096);
	struct zone_builder *b = zone_builder_new(name_from_text(a, VIEW("example.")));
	zone_text_add(b, a, "example.", "@ 3600 SOA ns1 h 1 2 3 4 5\n@ 0 NSEC3PARAM 1 0 2501 -\n");
	assert_null(zone_seal(b));
	assert_string_equal(zone_builder_error(b), "the zone's NSEC3 parameters cannot be used");
	zone_builder_free(b);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nsec),
		cmocka_unit_test(nsec3),
		cmocka_unit_test(signatures_apart),
		cmocka_unit_test(parameters_that_cannot_be_used),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
