/* Rdata of every type: from text to octets and back, and text that is no rdata. */
#include "test.h"

#include "base/encoding.h"
#include "dns/rdata.h"
#include "dns/rdata_field.h"
#include "dns/rdata_wire.h"
#include "dns/zonefile.h"

/* What a type's text means in octets, which print as that same text. */
static const struct row {
	const char *type, *text, *hex;
} rows[] = {
	{ "A", "192.0.2.1", "c0000201" },
	{ "NS", "ns1.example.org.", "036e7331076578616d706c65036f726700" },
	{ "MD", "md.example.org.", "026d64076578616d706c65036f726700" },
	{ "MF", "mf.example.org.", "026d66076578616d706c65036f726700" },
	{ "CNAME", "www.example.org.", "03777777076578616d706c65036f726700" },
	{ "SOA", "ns.example.org. host\\.master.example.org. 4294967295 7200 3600 1209600 300",
		"026e73076578616d706c65036f7267000b686f73742e6d6173746572076578616d706c65036f72"
		"6700ffffffff00001c2000000e10001275000000012c" },
	{ "MB", "mb.example.org.", "026d62076578616d706c65036f726700" },
	{ "MG", "mg.example.org.", "026d67076578616d706c65036f726700" },
	{ "MR", "mr.example.org.", "026d72076578616d706c65036f726700" },
	{ "WKS", "192.0.2.1 6 21 25 80", "c0000201060000044000000000000080" },
	{ "PTR", "host.example.org.", "04686f7374076578616d706c65036f726700" },
	{ "HINFO", "\"PC clone\" \"NetBSD\"", "08504320636c6f6e65064e6574425344" },
	{ "MINFO", "r.example.org. e.example.org.",
		"0172076578616d706c65036f7267000165076578616d706c65036f726700" },
	{ "MX", "10 mail.example.org.", "000a046d61696c076578616d706c65036f726700" },
	{ "TXT", "\"v=spf1 -all\" \"\" \"a\\\"b\\\\c\\007\\255\"",
		"0b763d73706631202d616c6c00076122625c6307ff" },
	{ "RP", "mbox.example.org. txt.example.org.",
		"046d626f78076578616d706c65036f72670003747874076578616d706c65036f726700" },
	{ "AFSDB", "1 afs.example.org.", "000103616673076578616d706c65036f726700" },
	{ "X25", "\"311061700956\"", "0c333131303631373030393536" },
	{ "ISDN", "\"150862028003217\"", "0f313530383632303238303033323137" },
	{ "ISDN", "\"150862028003217\" \"004\"", "0f31353038363230323830303332313703303034" },
	{ "RT", "10 relay.example.org.", "000a0572656c6179076578616d706c65036f726700" },
	{ "NSAP-PTR", "foo.example.org.", "03666f6f076578616d706c65036f726700" },
	{ "SIG", "A 5 3 86400 20300322173103 20300220173103 2642 example.org. AQIDBA==",
		"0001050300015180714646d7711eb9d70a52076578616d706c65036f72670001020304" },
	{ "KEY", "256 3 5 AQPSKmynfzW4kyBv", "010003050103d22a6ca77f35b893206f" },
	{ "KEY", "49152 3 0", "c0000300" },
	{ "PX", "10 a.example.org. b.example.org.",
		"000a0161076578616d706c65036f7267000162076578616d706c65036f726700" },
	{ "GPOS", "\"-32.6882\" \"116.8652\" \"10.0\"",
		"082d33322e36383832083131362e383635320431302e30" },
	{ "AAAA", "2001:db8::1", "20010db8000000000000000000000001" },
	{ "LOC", "52 14 5.000 N 00 08 50.000 E 10m 1m 10000m 10m",
		"001216138b3556c88008165000989a68" },
	{ "LOC", "33 51 35.900 S 151 12 40.000 W -10.50m 0.30m 0.05m 90000000m",
		"0031509978bc04245f8db9c000989266" },
	{ "EID", "0123ABCD", "0123abcd" },
	{ "NIMLOC", "0123ABCD", "0123abcd" },
	{ "SRV", "1 2 443 target.example.org.",
		"0001000201bb06746172676574076578616d706c65036f726700" },
	{ "NAPTR", "100 50 \"s\" \"http+N2L+C2R\" \"!^.*$!\\\\1\\\"!\" www.example.org.",
		"0064003201730c687474702b4e324c2b4332520a215e2e2a24215c31222103777777076578616d"
		"706c65036f726700" },
	{ "KX", "10 kx.example.org.", "000a026b78076578616d706c65036f726700" },
	{ "CERT", "PKIX 65535 RSASHA256 AQIDBA==", "0001ffff0801020304" },
	{ "CERT", "9 0 0 AQ==", "000900000001" },
	{ "DNAME", "other.example.", "056f74686572076578616d706c6500" },
	{ "APL", "1:192.168.32.0/21 !1:192.168.38.0/28 2:2001:db8::/32 1:0.0.0.0/0",
		"00011503c0a82000011c83c0a8260002200420010db800010000" },
	{ "APL", "", "" },
	{ "DS", "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118",
		"ec4505012bb183af5f22588179a53b0a98631fad1a292118" },
	{ "SSHFP", "2 1 123456789ABCDEF67890123456789ABCDEF67890",
		"0201123456789abcdef67890123456789abcdef67890" },
	{ "IPSECKEY", "10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==",
		"0a0102c0000226010351537986ed35533b6064478eeeb27b5bd74dae149b6e81ba3a0521af82ab"
		"7801" },
	{ "IPSECKEY", "10 0 2 . AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==",
		"0a0002010351537986ed35533b6064478eeeb27b5bd74dae149b6e81ba3a0521af82ab7801" },
	{ "IPSECKEY",
		"10 3 2 mygateway.example.com. AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==",
		"0a0302096d7967617465776179076578616d706c6503636f6d00010351537986ed35533b606447"
		"8eeeb27b5bd74dae149b6e81ba3a0521af82ab7801" },
	{ "IPSECKEY",
		"10 2 2 2001:db8:0:8002::2000:1 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ="
		"=",
		"0a020220010db8000080020000000020000001010351537986ed35533b6064478eeeb27b5bd74d"
		"ae149b6e81ba3a0521af82ab7801" },
	{ "IPSECKEY", "10 1 0 192.0.2.3", "0a0100c0000203" },
	{ "RRSIG",
		"TYPE65280 13 2 3600 20300322173103 20300220173103 2642 example.org. oJB1W6WNGv"
		"+ldvQ3WDG0MQkg5IEhjRip8WTrPYGv07h108dUKGMeDPKijVCHX3DDKdfb+v6oB9wfuh3DTJXUAg==",
		"ff000d0200000e10714646d7711eb9d70a52076578616d706c65036f726700a090755ba58d1aff"
		"a576f4375831b4310920e481218d18a9f164eb3d81afd3b875d3c75428631e0cf2a28d50875f70"
		"c329d7dbfafea807dc1fba1dc34c95d402" },
	{ "NSEC", "host.example.org. A MX RRSIG NSEC TYPE1234",
		"04686f7374076578616d706c65036f7267000006400100000003041b0000000000000000000000"
		"00000000000000000000000000000020" },
	{ "DNSKEY",
		"257 3 13 oJMRESz5E4gYzS/q6XDrvU1qMPYIjCWzJaOau8XNEZeqCYKD5ar0IRd8KqXXFJkqmVfRv"
		"MGPmM1x8fGAa2XhSA==",
		"0101030da09311112cf9138818cd2feae970ebbd4d6a30f6088c25b325a39abbc5cd1197aa0982"
		"83e5aaf421177c2aa5d714992a9957d1bcc18f98cd71f1f1806b65e148" },
	{ "DHCID", "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=",
		"000201636fc0b8271c82825bb1ac5c41cf5351aa69b4febd94e8f17cdb95000da48c40" },
	{ "NSEC3",
		"1 1 12 AABBCCDD 2VPTU5TIMAMQTTGL4LUU9KG21E0AOR3S NS SOA MX RRSIG "
		"DNSKEY NSEC3PARAM",
		"0101000c04aabbccdd1417f3df17b2b2adaef615257de4d2020b80ac6c7c000722010000000290" },
	{ "NSEC3", "1 0 0 - 2VPTU5TIMAMQTTGL4LUU9KG21E0AOR3S",
		"01000000001417f3df17b2b2adaef615257de4d2020b80ac6c7c" },
	{ "NSEC3PARAM", "1 0 12 AABBCCDD", "0100000c04aabbccdd" },
	{ "NSEC3PARAM", "1 0 0 -", "0100000000" },
	{ "TLSA", "1 1 2 92003BA34942DC74152E2F2C408D29EC",
		"01010292003ba34942dc74152e2f2c408d29ec" },
	{ "SMIMEA", "3 0 1 D2ABDE24", "030001d2abde24" },
	{ "HIP",
		"2 200100107B1A74DF365639CC39F1D578 AwEAAbdxyhNuSutc5EMzxTs9LBPCIkOFH8cIvM4p9+L"
		"rV4e19WzK00+CI6zBCQTdtWsuxKbWIy87UOoJTwkUs7lBu+Upr1gsNrut79ryra+bSRGQb1slImA8Y"
		"VJyuIDsj7kwzG7jnERNqnWxZ48AWkskmdHaVDP4BcelrTI3rMXdXF5D rvs1.example.com. rvs2"
		".example.com.",
		"10020084200100107b1a74df365639cc39f1d57803010001b771ca136e4aeb5ce44333c53b3d2c"
		"13c22243851fc708bcce29f7e2eb5787b5f56ccad34f8223acc10904ddb56b2ec4a6d6232f3b50"
		"ea094f0914b3b941bbe529af582c36bbadefdaf2adaf9b4911906f5b2522603c615272b880ec8f"
		"b930cc6ee39c444daa75b1678f005a4b2499d1da5433f805c7a5ad3237acc5dd5c5e4304727673"
		"31076578616d706c6503636f6d000472767332076578616d706c6503636f6d00" },
	{ "NINFO", "\"a\" \"b\"", "01610162" },
	{ "RKEY", "0 3 5 AQPSKmynfzW4kyBv", "000003050103d22a6ca77f35b893206f" },
	{ "TALINK", "a.example.org. b.example.org.",
		"0161076578616d706c65036f7267000162076578616d706c65036f726700" },
	{ "CDS", "0 0 0 00", "0000000000" },
	{ "CDNSKEY", "0 3 0 AA==", "0000030000" },
	{ "OPENPGPKEY", "AQIDBA==", "01020304" },
	{ "CSYNC", "66 3 A NS AAAA", "000000420003000460000008" },
	{ "ZONEMD",
		"2018031500 1 1 FEBE3D4CE2EC2FFA4BA99D46CD69D6D29711E55217057BEE7EB1A7B641A47BA"
		"7FED2DD5B97AE499FAFA4F22C6BD647DE",
		"7848b78c0101febe3d4ce2ec2ffa4ba99d46cd69d6d29711e55217057bee7eb1a7b641a47ba7fe"
		"d2dd5b97ae499fafa4f22c6bd647de" },
	{ "SVCB",
		"16 foo.example.org. mandatory=\"alpn,ipv4hint\" alpn=\"h2,h3-19\" ipv4hint=\"1"
		"92.0.2.1\"",
		"001003666f6f076578616d706c65036f7267000000000400010004000100090268320568332d31"
		"3900040004c0000201" },
	{ "SVCB", "0 foo.example.com.", "000003666f6f076578616d706c6503636f6d00" },
	{ "SVCB", "1 foo.example.com. key667=\"hello\\210qoo\"",
		"000103666f6f076578616d706c6503636f6d00029b000968656c6c6fd2716f6f" },
	{ "SVCB", "16 foo.example.org. alpn=\"f\\\\\\092oo\\\\\\044bar,h2\"",
		"001003666f6f076578616d706c65036f7267000001000c08665c6f6f2c626172026832" },
	{ "HTTPS",
		"1 . alpn=\"h3\" no-default-alpn=\"\" port=\"8443\" ipv4hint=\"192.0.2.1,192.0."
		"2.2\" ech=\"AQID\" ipv6hint=\"2001:db8::1\" dohpath=\"/q{?dns}\"",
		"00010000010003026833000200000003000220fb00040008c0000201c000020200050003010203"
		"0006001020010db8000000000000000000000001000700082f717b3f646e737d" },
	{ "HTTPS", "1 . ohttp=\"\"", "00010000080000" },
	{ "SPF", "\"v=spf1 -all\"", "0b763d73706631202d616c6c" },
	{ "UINFO", "\"info\"", "04696e666f" },
	{ "UID", "1000", "000003e8" },
	{ "GID", "100", "00000064" },
	{ "NID", "10 0014:4fff:ff20:ee64", "000a00144fffff20ee64" },
	{ "L32", "10 10.1.2.0", "000a0a010200" },
	{ "L64", "10 2001:0db8:1140:1000", "000a20010db811401000" },
	{ "LP", "10 l64-subnet1.example.com.",
		"000a0b6c36342d7375626e657431076578616d706c6503636f6d00" },
	{ "EUI48", "00-00-5e-00-53-2a", "00005e00532a" },
	{ "EUI64", "00-00-5e-ef-10-00-00-2a", "00005eef1000002a" },
	{ "TKEY", "gss-tsig. 20300322173103 20300320173103 3 0 4 AQIDBA== 0",
		"086773732d7473696700714646d77143a3d7000300000004010203040000" },
	{ "URI", "10 1 \"ftp://ftp1.example.com/public?a=\\\"b\\\"\"",
		"000a00016674703a2f2f667470312e6578616d706c652e636f6d2f7075626c69633f613d226222" },
	{ "CAA", "0 issue \"ca.example.net; account=230123\"",
		"0005697373756563612e6578616d706c652e6e65743b206163636f756e743d323330313233" },
	{ "CAA", "128 tbs \"\"", "8003746273" },
	{ "AVC", "\"app-name:WOLFGANG|app-class:OAM\"",
		"1f6170702d6e616d653a574f4c4647414e477c6170702d636c6173733a4f414d" },
	{ "DOA", "0 1 2 \"\" aHR0cHM6Ly93d3cuaXNjLm9yZy8=",
		"0000000000000001020068747470733a2f2f7777772e6973632e6f72672f" },
	{ "AMTRELAY", "10 0 3 relays.example.com.",
		"0a030672656c617973076578616d706c6503636f6d00" },
	{ "AMTRELAY", "128 1 1 203.0.113.15", "8081cb00710f" },
	{ "AMTRELAY", "10 0 2 2001:db8::15", "0a0220010db8000000000000000000000015" },
	{ "AMTRELAY", "10 1 0 .", "0a80" },
	{ "RESINFO", "\"qnamemin\" \"exterr=15-17\"",
		"08716e616d656d696e0c6578746572723d31352d3137" },
	{ "WALLET", "\"BTC\" \"x\"", "034254430178" },
	{ "TA", "1 8 2 00FF", "0001080200ff" },
	{ "DLV", "1 8 2 00FF", "0001080200ff" },
	{ "DSYNC", "CDS NOTIFY 5359 cds-scanner.example.net.",
		"003b0114ef0b6364732d7363616e6e6572076578616d706c65036e657400" },
	{ "HHIT", "AQID", "010203" },
	{ "BRID", "AQID", "010203" },
	{ "CLA", "\"C\"", "0143" },
	{ "IPN", "18446744073709551615", "ffffffffffffffff" },
};

static struct view octets_of(struct arena *a, const char *hex)
{
	size_t room = strlen(hex) / 2 + 1;
	struct decoding d = { .to = arena_octets(a, room), .room = room };
	assert_true(hex_decode(&d, view_of(hex)) && hex_decoded(&d));
	return (struct view){ (const char *)d.to, d.length };
}

static struct record parsed(struct arena *a, const char *type, const char *rdata)
{
	struct record r;
	const char *why;
	const char *text = arena_printf(a, "example.org. 300 IN %s %s", type, rdata);
	if (!record_parse(a, view_of(text), &r, &why))
		fail_msg("%s: %s", text, why);
	return r;
}

static void assert_octets(struct view actual, struct view expected, const char *what)
{
	if (view_equal(actual, expected))
		return;
	struct text hex = { 0 };
	text_add_hex(&hex, actual);
	fail_msg("%s: got %s", what, hex.at ? hex.at : "nothing");
}

static void check_row(struct arena *a, const struct row *row)
{
	struct text printed = { 0 };
	struct view octets = octets_of(a, row->hex);
	struct record r = parsed(a, row->type, row->text);
	assert_octets(record_rdata(&r), octets, row->text);
	rdata_print(&printed, r.type, octets);
	assert_string_equal(printed.at ? printed.at : "", row->text);
	struct reader reader = { .base = (const uint8_t *)octets.at, .end = octets.length };
	assert_int_equal(rdata_check(&reader, r.type, (uint16_t)octets.length), 0);
	assert_false(reader.failed);
	const char *opaque = arena_printf(a, "\\# %zu %s", octets.length, row->hex);
	r = parsed(a, row->type, opaque);
	assert_octets(record_rdata(&r), octets, opaque);
	text_free(&printed);
}

static void every_type_goes_both_ways(void **state)
{
	(void)state;
	struct arena *a = arena_new(4096);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		check_row(a, rows + i);
	arena_free(a);
}

/* Types of the table, each of which must have a row. */
static void every_type_of_the_table_is_tested(void **state)
{
	(void)state;
	for (unsigned type = 0; type <= UINT16_MAX; type++) {
		char mnemonic[MNEMONIC_MAX];
		size_t i = 0, count = sizeof rows / sizeof rows[0];
		if (!rdata_fields((uint16_t)type) || type == TYPE_TSIG)
			continue;
		type_print((uint16_t)type, mnemonic);
		while (i < count && strcmp(rows[i].type, mnemonic) != 0)
			i++;
		if (i == count)
			fail_msg("%s is not tested", mnemonic);
	}
}

static void check_printed(const char *type, const char *rdata, const char *expected)
{
	struct arena *a = arena_new(4096);
	struct text printed = { 0 };
	struct record r = parsed(a, type, rdata);
	rdata_print(&printed, r.type, record_rdata(&r));
	assert_string_equal(printed.at, expected);
	text_free(&printed);
	arena_free(a);
}

/* Text that may be written in more than one way. */
static void text_is_made_regular(void **state)
{
	(void)state;
	check_printed("TXT", "one two\\ three \"four\"\"five\" six\\035",
		"\"one\" \"two three\" \"four\" \"five\" \"six#\"");
	check_printed("SOA", "a. b. 1 2h 1h30m 2w 1D", "a. b. 1 7200 5400 1209600 86400");
	check_printed("DS", "1 RSASHA256 2 00 ff\t0A", "1 8 2 00FF0A");
	check_printed("CERT", "1 2 8 AQ ID", "PKIX 2 RSASHA256 AQID");
	check_printed("RRSIG", "a rsasha1 3 86400 1900000000 1800000000 2642 example.org. AQ==",
		"A 5 3 86400 20300317174640 20270115080000 2642 example.org. AQ==");
	check_printed("RRSIG", "a 5 3 1 19631125173144 20300220173103 2642 example.org. AQ==",
		"A 5 3 1 21000101000000 20300220173103 2642 example.org. AQ==");
	check_printed("WKS", "192.0.2.1 tcp 80 25", "192.0.2.1 6 25 80");
	check_printed("LOC", "52 N 8 30 E -20", "52 00 0.000 N 08 30 0.000 E -20m 1m 10000m 10m");
	check_printed("LOC", "1 2 3.5 S 1 W 1.5m .01 123 1m",
		"01 02 3.500 S 01 00 0.000 W 1.50m 0.01m 100m 1m");
	check_printed("APL", "1:1.2.3.0/24  2:::/0", "1:1.2.3.0/24 2:::/0");
	check_printed("NID", "1 1:2:3:4", "1 0001:0002:0003:0004");
	check_printed("HTTPS", "1 . port=443 alpn=h2,h3 key65000=a\\ b mandatory=port,alpn",
		"1 . mandatory=\"alpn,port\" alpn=\"h2,h3\" port=\"443\" key65000=\"a\\ b\"");
	check_printed("SVCB", "1 . key3=\\001\\187", "1 . port=\"443\"");
	check_printed("NSEC", "a. TYPE65535 AAAA A A NSEC", "a. A AAAA NSEC TYPE65535");
	check_printed("TYPE1", "192.0.2.1", "192.0.2.1");
	check_printed("TYPE65280", "\\# 3 aB cD 01", "\\# 3 abcd01");
	check_printed("TYPE65280", "\\# 0", "\\# 0");
	check_printed("NULL", "\\# 1 00", "\\# 1 00");
	check_printed("DSYNC", "CDS 7 1 a.", "CDS 7 1 a.");
}

static void long_text_is_cut_into_strings(void **state)
{
	(void)state;
	struct arena *a = arena_new(4096);
	char text[700];
	memset(text, 'x', 600);
	text[600] = 0;
	struct record r = parsed(a, "TXT", text);
	assert_int_equal(r.rdata_length, 603);
	assert_int_equal(r.rdata[0], 255);
	assert_int_equal(r.rdata[256], 255);
	assert_int_equal(r.rdata[512], 90);
	arena_free(a);
}

static void check_refused(const char *type, const char *rdata, const char *expected)
{
	struct arena *a = arena_new(4096);
	struct record r;
	const char *why;
	const char *text = arena_printf(a, "example.org. 300 IN %s %s", type, rdata);
	if (record_parse(a, view_of(text), &r, &why))
		fail_msg("%s is taken", text);
	size_t length = strlen(expected);
	if (strncmp(why, "dns: ", 5) != 0 || strncmp(why + 5, expected, length) != 0)
		fail_msg("%s: %s", text, why);
	arena_free(a);
}

/* Something wrong with each kind of field. */
static void bad_fields_are_named(void **state)
{
	(void)state;
	static const char *const bad[][3] = {
		{ "A", "1.2.3", "bad A A: \"1.2.3\" at line: 1:27" },
		{ "A", "1.2.3.4 x", "garbage after rdata: \"x\" at line: 1:31" },
		{ "A", "\"1.2.3.4\"", "bad A A" },
		{ "A", "", "unexpected newline: \"\" at line: 1:22" },
		{ "AAAA", "1.2.3.4", "bad AAAA AAAA" },
		{ "NS", "a..b", "bad NS Ns" },
		{ "NS", "a\\256", "bad NS Ns" },
		{ "MX", "65536 a.", "bad MX Pref" },
		{ "MX", "-1 a.", "bad MX Pref" },
		{ "MX", "10", "bad MX Mx: \"\"" },
		{ "SOA", "a. b. 1h 1 1 1 1", "bad SOA zone parameter: \"1h\"" },
		{ "SOA", "a. b. 1 1 1 1 1x", "bad SOA zone parameter: \"1x\"" },
		{ "SOA", "a. b. 1 1 1 1 4294967296", "bad SOA zone parameter" },
		{ "TXT", "\"a", "unbalanced quote" },
		{ "TXT", "a\\", "bad TXT Txt" },
		{ "TXT", "a\\25", "bad TXT Txt" },
		{ "TXT", "(a", "unbalanced brace" },
		{ "TXT", "a)", "extra closing brace" },
		{ "CAA", "0 is-sue x", "bad CAA Tag" },
		{ "CAA", "0 issue", "bad CAA Value" },
		{ "CAA", "256 issue x", "bad CAA Flag" },
		{ "DS", "1 8 2 0", "bad DS Digest" },
		{ "DS", "1 8 2 0g", "bad DS Digest: \"0g\"" },
		{ "DS", "1 8 2", "bad DS Digest" },
		{ "DS", "1 NONESUCH 2 00", "bad DS Algorithm" },
		{ "DNSKEY", "256 3 8 A", "bad DNSKEY PublicKey" },
		{ "DNSKEY", "256 3 8 AQ=", "bad DNSKEY PublicKey" },
		{ "NSEC", "a. NONESUCH", "bad NSEC TypeBitMap" },
		{ "NSEC3", "1 0 0 abc 00", "bad NSEC3 Salt" },
		{ "NSEC3", "1 0 0 - w", "bad NSEC3 NextDomain" },
		{ "RRSIG", "A 5 3 1 20301322173103 1 1 a. AQ==", "bad RRSIG Expiration" },
		{ "RRSIG", "A 5 3 1 20300230000000 1 1 a. AQ==", "bad RRSIG Expiration" },
		{ "RRSIG", "A 5 3 1 4294967296 1 1 a. AQ==", "bad RRSIG Expiration" },
		{ "EUI48", "00-00-5e-00-53", "bad EUI48 Address" },
		{ "EUI48", "00-00-5e-00-53-2", "bad EUI48 Address" },
		{ "EUI64", "00-00-5e-ef-10-00-00-2a-00", "bad EUI64 Address" },
		{ "L64", "1 1:2:3", "bad L64 Locator64" },
		{ "L64", "1 1:2:3:12345", "bad L64 Locator64" },
		{ "LOC", "91 N 1 E 0", "bad LOC Latitude" },
		{ "LOC", "90 0 0.001 N 1 E 0", "bad LOC Latitude" },
		{ "LOC", "1 2 3.1234 N 1 E 0", "bad LOC Latitude" },
		{ "LOC", "1 60 N 1 E 0", "bad LOC Latitude" },
		{ "LOC", "1 N 1 N 0", "bad LOC Longitude" },
		{ "LOC", "1 N 1 E -100000.01", "bad LOC Altitude" },
		{ "LOC", "1 N 1 E 42849672.96", "bad LOC Altitude" },
		{ "LOC", "1 N 1 E 0 90000000.01", "bad LOC Size" },
		{ "LOC", "1 N 1 E 0 1 1 1 1", "garbage after rdata" },
		{ "APL", "1:1.2.3.4", "failed to parse APL address" },
		{ "APL", "1:1.2.3.4/33", "failed to parse APL address" },
		{ "APL", "1:1.2.3.4/31 1:1.2.3.5/31", "extra bits in APL address" },
		{ "APL", "3:1.2.3.4/31", "unrecognized APL family" },
		{ "APL", "1.2.3.4/31", "missing colon in APL field" },
		{ "IPSECKEY", "1 4 2 . AQ==", "bad IPSECKEY gateway" },
		{ "IPSECKEY", "1 0 2 a. AQ==", "bad IPSECKEY gateway" },
		{ "AMTRELAY", "1 2 0 .", "bad AMTRELAY gateway" },
		{ "AMTRELAY", "1 1 1 ::1", "bad AMTRELAY gateway" },
		{ "HIP", "2 zz AQ==", "bad HIP Identity" },
		{ "HIP", "2 00 AQ== a..", "bad HIP RendezvousServers" },
		{ "TKEY", "a. 1 1 0 0 2 AQ== 0", "bad TKEY Key" },
		{ "SVCB", "1 . port=1 port=2", "bad SVCB Value" },
		{ "SVCB", "1 . port=65536", "bad SVCB Value" },
		{ "SVCB", "1 . port", "bad SVCB Value" },
		{ "SVCB", "1 . alpn=", "bad SVCB Value" },
		{ "SVCB", "1 . alpn=a,,b", "bad SVCB Value" },
		{ "SVCB", "1 . alpn=a,", "bad SVCB Value" },
		{ "SVCB", "1 . alpn=a\\\\b", "bad SVCB Value" },
		{ "SVCB", "1 . no-default-alpn=x alpn=a", "bad SVCB Value" },
		{ "SVCB", "1 . no-default-alpn", "bad SVCB Value" },
		{ "SVCB", "1 . ipv4hint=::1", "bad SVCB Value" },
		{ "SVCB", "1 . ipv4hint=", "bad SVCB Value" },
		{ "SVCB", "1 . ipv6hint=::1,", "bad SVCB Value" },
		{ "SVCB", "1 . ech=A", "bad SVCB Value" },
		{ "SVCB", "1 . mandatory=port", "bad SVCB Value" },
		{ "SVCB", "1 . mandatory=port,port port=1", "bad SVCB Value" },
		{ "SVCB", "1 . mandatory=mandatory,port port=1", "bad SVCB Value" },
		{ "SVCB", "1 . key65535=x", "bad SVCB Value" },
		{ "SVCB", "1 . key01=x", "bad SVCB Value" },
		{ "SVCB", "1 . nonesuch=x", "bad SVCB Value" },
		{ "SVCB", "1 . key3=x", "bad SVCB Value" },
		{ "SVCB", "1 . port=\"1", "unbalanced quote" },
		{ "TYPE65280", "x", "bad RFC3597 Rdata" },
		{ "TYPE65280", "\\# 2 00", "bad RFC3597 Rdata" },
		{ "TYPE65280", "\\# 1 0000", "bad RFC3597 Rdata" },
		{ "TYPE65280", "\\# 65536 00", "bad RFC3597 Rdata" },
		{ "A", "\\# 3 000000", "bad RFC3597 Rdata" },
		{ "NS", "\\# 2 c000", "bad RFC3597 Rdata" },
		{ "SVCB", "\\# 11 0001 00 0003 0000 0003 0000", "bad RFC3597 Rdata" },
		{ "OPT", "\\# 0", "OPT records do not have a presentation format" },
		{ "AXFR", "x", "AXFR records do not have a presentation format" },
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		check_refused(bad[i][0], bad[i][1], bad[i][2]);
}

static void hostile_text_is_bounded(void **state)
{
	(void)state;
	struct arena *a = arena_new(4096);
	struct text t = { 0 };
	for (int i = 0; i < 600; i++)
		text_printf(&t, "key%d=x ", 1000 - i);
	check_refused("SVCB", arena_printf(a, "1 . %s", t.at), "bad SVCB Value");
	text_clear(&t);
	for (int i = 0; i < 70000; i++)
		text_add_string(&t, "x ");
	check_refused("TXT", t.at, "rdata too long");
	text_clear(&t);
	for (int i = 0; i < 70000; i++)
		text_add_string(&t, "00");
	check_refused("TYPE65280", arena_printf(a, "\\# 65535 %s", t.at), "bad RFC3597 Rdata");
	text_free(&t);
	arena_free(a);
}

static void check_opaque(uint16_t type, const char *hex)
{
	struct arena *a = arena_new(1024);
	struct text printed = { 0 };
	text_add_string(&printed, "before ");
	rdata_print(&printed, type, octets_of(a, hex));
	assert_string_equal(printed.at,
		arena_printf(a, "before \\# %zu%s%s", strlen(hex) / 2, *hex ? " " : "", hex));
	text_free(&printed);
	arena_free(a);
}

/* Octets that fit no text of their type, or that its text would not give back. */
static void octets_without_a_text_are_printed_as_they_are(void **state)
{
	(void)state;
	check_opaque(TYPE_A, "000000");
	check_opaque(TYPE_A, "0000000000");
	check_opaque(TYPE_TXT, "");
	check_opaque(TYPE_TXT, "05");
	check_opaque(TYPE_DNSKEY, "01000308");
	check_opaque(TYPE_CAA, "00002f");
	check_opaque(TYPE_CAA, "0001202f");
	check_opaque(29, "01121613800000008000000000989680");
	check_opaque(29, "00fa1613800000008000000000989680");
	check_opaque(29, "00121613fb0000008000000000989680");
	check_opaque(29, "00051613800000008000000000989680");
	check_opaque(TYPE_NSEC, "0000024000");
	check_opaque(11, "c0000201060100");
	check_opaque(42, "000118040a000001");
	check_opaque(42, "00030000");
	check_opaque(45, "0a0402ff");
	check_opaque(260, "0a05");
	check_opaque(55, "00020000");
	check_opaque(TYPE_SVCB, "00010000030001ff");
	check_opaque(TYPE_SVCB, "00010000010000");
	check_opaque(TYPE_SVCB, "000100ffff0000");
	check_opaque(TYPE_NSEC3, "0100000000000001");
	check_opaque(TYPE_MX, "000ac00c");
	check_opaque(65280, "00");
	check_opaque(65280, "");
}

static void records_are_printed_with_tabs(void **state)
{
	(void)state;
	struct arena *a = arena_new(1024);
	struct record r;
	const char *why;
	struct text t = { 0 };
	assert_true(record_parse(a, VIEW("a\\.b.Example 5 CH TXT x"), &r, &why));
	record_print(&t, &r);
	assert_string_equal(t.at, "a\\.b.Example.\t5\tCH\tTXT\t\"x\"");
	text_clear(&t);
	assert_true(record_parse(a, VIEW("b TYPE65280 \\# 1 0a"), &r, &why));
	record_print(&t, &r);
	assert_string_equal(t.at, "b.\t3600\tCLASS1\tTYPE65280\t\\# 1 0a");
	text_free(&t);
	arena_free(a);
}

static void count(struct name n, void *data)
{
	struct text *t = data;
	char printed[NAME_TEXT_MAX];
	name_print(n, printed);
	text_printf(t, "%s ", printed);
}

static void names_are_found(void **state)
{
	(void)state;
	struct arena *a = arena_new(1024);
	struct text t = { 0 };
	struct record r = parsed(a, "SOA", "a.x. b.x. 1 2 3 4 5");
	struct name n;
	rdata_names(r.type, record_rdata(&r), count, &t);
	assert_true(rdata_name(r.type, record_rdata(&r), 1, &n));
	assert_true(name_equal(n, name_from_text(a, VIEW("b.x."))));
	assert_false(rdata_name(r.type, record_rdata(&r), 2, &n));
	r = parsed(a, "HIP", "2 00 AQ== c. d.");
	rdata_names(r.type, record_rdata(&r), count, &t);
	r = parsed(a, "SRV", "1 2 3 e.");
	rdata_names(r.type, record_rdata(&r), count, &t);
	r = parsed(a, "NAPTR", "1 2 \"a\" \"b\" \"c\" f.");
	rdata_names(r.type, record_rdata(&r), count, &t);
	r = parsed(a, "TXT", "x");
	rdata_names(r.type, record_rdata(&r), count, &t);
	assert_string_equal(t.at, "a.x. b.x. c. d. e. f. ");
	assert_false(rdata_name(r.type, record_rdata(&r), 0, &n));
	assert_false(rdata_name(65280, VIEW("\1a"), 0, &n));
	text_free(&t);
	arena_free(a);
}

static void check_canonical(const char *type, const char *rdata, const char *expected)
{
	struct arena *a = arena_new(1024);
	struct record r = parsed(a, type, rdata), lower = parsed(a, type, expected);
	assert_octets(rdata_canonical(a, r.type, record_rdata(&r)), record_rdata(&lower), rdata);
	arena_free(a);
}

/* RFC 4034 6.2, RFC 6840 5.1. */
static void canonical_form_lowers_some_names(void **state)
{
	(void)state;
	check_canonical("MX", "1 MAIL.Example.", "1 mail.example.");
	check_canonical("SOA", "A. B. 1 2 3 4 5", "a. b. 1 2 3 4 5");
	check_canonical("RRSIG", "A 5 3 1 1 1 1 Ex. AQ==", "A 5 3 1 1 1 1 ex. AQ==");
	check_canonical("NAPTR", "1 2 \"A\" \"B\" \"C\" F.", "1 2 \"A\" \"B\" \"C\" f.");
	check_canonical("NSEC", "A. A", "A. A");
	check_canonical("SVCB", "1 A.", "1 A.");
	check_canonical("TXT", "A", "A");
}

static void built(const char *type, const char *rdata, struct view octets)
{
	struct arena *a = arena_new(1024);
	struct record r = parsed(a, type, rdata);
	assert_octets(octets, record_rdata(&r), rdata);
	arena_free(a);
}

static void rdata_is_built(void **state)
{
	(void)state;
	struct arena *a = arena_new(1024);
	struct name n = name_from_text(a, VIEW("a.b.")), m = name_from_text(a, VIEW("m."));
	uint8_t address[16] = { 192, 0, 2, 1 };
	built("A", "192.0.2.1", rdata_a(a, address));
	built("AAAA", "c000:201::", rdata_aaaa(a, address));
	built("CNAME", "a.b.", rdata_of_name(a, n));
	built("MX", "258 a.b.", rdata_mx(a, 258, n));
	built("SRV", "1 2 53 a.b.", rdata_srv(a, 1, 2, 53, n));
	built("SOA", "a.b. m. 1 2 3 4 4294967295", rdata_soa(a, n, m, 1, 2, 3, 4, UINT32_MAX));
	built("TXT", "\"\"", rdata_txt(a, VIEW("")));
	char text[511];
	memset(text, 'x', 510);
	text[510] = 0;
	built("TXT", text, rdata_txt(a, view_of(text)));
	built("TXT", text + 255, rdata_txt(a, view_of(text + 255)));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_goes_both_ways),
		cmocka_unit_test(every_type_of_the_table_is_tested),
		cmocka_unit_test(text_is_made_regular),
		cmocka_unit_test(long_text_is_cut_into_strings),
		cmocka_unit_test(bad_fields_are_named),
		cmocka_unit_test(hostile_text_is_bounded),
		cmocka_unit_test(octets_without_a_text_are_printed_as_they_are),
		cmocka_unit_test(records_are_printed_with_tabs),
		cmocka_unit_test(names_are_found),
		cmocka_unit_test(canonical_form_lowers_some_names),
		cmocka_unit_test(rdata_is_built),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
