/* plugins/kubernetes: the names of a cluster, by the specification and as CoreDNS has them. */
#include "test.h"

#include "base/epoch.h"
#include "base/hash.h"
#include "cluster_objects.h"
#include "plugins/kubernetes/serve.h"
#include <stdlib.h>

struct bed {
	struct arena *arena;
	struct kube_index *index;
	struct kube_rules rules;
	struct query q;
	bool unsynced;
};

static void fill(struct kube_index *x)
{
	put_namespace(x, "testns");
	put_namespace(x, "podns");
	put_namespace(x, "kube-system");
	put_namespace(x, "hiddenns");
	put_service(x, KUBE_SERVICE, "kube-system", "kube-dns", "ClusterIP", "10.0.0.10",
		"dns/UDP/53");
	put_slice(x, KUBE_SLICE, "kube-system", "kube-dns-1", "kube-dns", "10.244.0.20",
		"dns/UDP/53");
	put_service(x, KUBE_SERVICE, "testns", "svc1", "ClusterIP", "10.0.0.1", "http/TCP/80");
	put_slice(x, KUBE_SLICE, "testns", "svc1-a", "svc1", "172.0.0.1=ep1a", "http/TCP/80");
	put_service(x, KUBE_SERVICE, "testns", "svcempty", "ClusterIP", "10.0.0.7", "http/TCP/80");
	put_service(x, KUBE_SERVICE, "testns", "svc6", "ClusterIP", "1234:abcd::1", "http/TCP/80");
	put_service(x, KUBE_SERVICE, "testns", "dual", "ClusterIP", "10.0.0.3 10::3",
		"http/TCP/80");
	put_service(x, KUBE_SERVICE, "testns", "waiting", "ClusterIP", "", "http/TCP/80");
	put_service(x, KUBE_SERVICE, "testns", "portless", "ClusterIP", "10.0.0.9", "");
	put_service(x, KUBE_SERVICE, "testns", "hdls1", "ClusterIP", "None", "http/TCP/80");
	put_slice(x, KUBE_SLICE, "testns", "hdls1-a", "hdls1",
		"172.0.0.2 172.0.0.3=@a.b 172.0.0.4=dup 172.0.0.5=dup 172.0.0.6=-", "http/TCP/80");
	put_slice(x, KUBE_SLICE, "testns", "hdls1-b", "hdls1", "5678:abcd::1", "http/TCP/80");
	put_service(x, KUBE_SERVICE, "testns", "gone", "ClusterIP", "None", "http/TCP/80");
	put_alias(x, "testns", "external", "ext.interwebs.test");
	put_alias(x, "testns", "inside", "svc1.testns.svc.cluster.local");
	put_alias(x, "testns", "dangling", "nothing.testns.svc.cluster.local.");
	put_alias(x, "testns", "itself", "itself.testns.svc.cluster.local");
	put_alias(x, "testns", "ping", "pong.testns.svc.cluster.local");
	put_alias(x, "testns", "pong", "ping.testns.svc.cluster.local");
	put_alias(x, "testns", "number", "192.0.2.1");
	put_service(x, KUBE_SERVICE, "hiddenns", "svc1", "ClusterIP", "10.0.0.2", "http/TCP/80");
	put_pod(x, "podns", "p", "10.240.0.1 fd00::7", false);
	put_service(x, KUBE_IMPORT, "testns", "far", "Headless", "", "http/TCP/80");
	put_slice(x, KUBE_IMPORT_SLICE, "testns", "far-a", "far", "172.1.0.1", "http/TCP/80");
	kube_index_publish(x, 1000);
}

static struct name name_in(struct bed *b, const char *text)
{
	return name_from_text(b->arena, view_of(text));
}

static int set_up(void **state)
{
	struct bed *b = calloc(1, sizeof *b);
	b->arena = arena_new(4096);
	b->index = kube_index_new(&(struct kube_keeping){ .zones = true });
	fill(b->index);
	struct name *zones = arena_array(b->arena, 4, sizeof *zones);
	zones[0] = name_in(b, "cluster.local.");
	zones[1] = name_in(b, "10.in-addr.arpa.");
	zones[2] = name_in(b, "ip6.arpa.");
	zones[3] = name_in(b, "clusterset.local.");
	b->rules = (struct kube_rules){ .zones = zones,
		.zone_count = 4,
		.primary = zones[0],
		.imported_zones = &zones[3],
		.imported_zone_count = 1,
		.ttl = 5 };
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bed *b = *state;
	kube_index_free(b->index);
	epoch_drain();
	arena_free(b->arena);
	free(b);
	return 0;
}

/* Asks for "NAME TYPE"; the rcode, then the records of answer and additional section, a blank between their parts. */
static const char *ask(struct bed *b, const char *question)
{
	struct view words[PARTS_MAX];
	struct text out = { 0 };
	uint16_t type;
	words_of(question, words);
	assert_true(type_parse(words[1], &type));
	b->q = (struct query){ .arena = b->arena };
	b->q.request.has_question = true;
	assert_true(endpoint_parse_ip(VIEW("10.240.0.1"), 4242, &b->q.client));
	query_set_question(&b->q, name_from_text(b->arena, words[0]), type, CLASS_IN);
	b->rules.watched = b->unsynced ? 1u << KUBE_SERVICE : 0;
	if (kube_serve(&b->rules, kube_index_cluster(b->index), &b->q) == KUBE_PASSED_ON)
		return "passed on";
	const struct message *m = b->q.reply;
	text_printf(&out, "%u", m->rcode);
	for (int id = SECTION_ANSWER; id < SECTION_COUNT; id++) {
		for (size_t i = 0; id != SECTION_AUTHORITY && i < m->section[id].count; i++) {
			text_add_string(&out, "; ");
			record_print(&out, &m->section[id].records[i]);
		}
	}
	for (size_t i = 0; i < out.length; i++)
		out.at[i] = out.at[i] == '\t' ? ' ' : out.at[i];
	const char *text = arena_string(b->arena, text_view(&out));
	text_free(&out);
	return text;
}

/* NODATA and denials have the zone's SOA. */
static bool has_soa(const struct bed *b)
{
	const struct section *s = &b->q.reply->section[SECTION_AUTHORITY];
	return s->count == 1 && s->records[0].type == TYPE_SOA;
}

#define assert_nodata(b, question) \
	(assert_string_equal(ask((b), question), "0"), assert_true(has_soa(b)))
#define assert_no_name(b, question) \
	(assert_string_equal(ask((b), question), "3"), assert_true(has_soa(b)))

static void services(void **state)
{
	struct bed *b = *state;
	assert_string_equal(ask(b, "svc1.testns.svc.cluster.local. A"),
		"0; svc1.testns.svc.cluster.local. 5 IN A 10.0.0.1");
	assert_string_equal(ask(b, "svcempty.testns.svc.cluster.local. A"),
		"0; svcempty.testns.svc.cluster.local. 5 IN A 10.0.0.7");
	assert_string_equal(ask(b, "SvC1.TeStNs.SvC.cLuStEr.LoCaL. A"),
		"0; SvC1.TeStNs.SvC.cLuStEr.LoCaL. 5 IN A 10.0.0.1");
	assert_string_equal(ask(b, "svc6.testns.svc.cluster.local. AAAA"),
		"0; svc6.testns.svc.cluster.local. 5 IN AAAA 1234:abcd::1");
	assert_string_equal(ask(b, "portless.testns.svc.cluster.local. A"),
		"0; portless.testns.svc.cluster.local. 5 IN A 10.0.0.9");
	assert_nodata(b, "svc1.testns.svc.cluster.local. AAAA");
	assert_nodata(b, "svc1.testns.svc.cluster.local. TXT");
	assert_nodata(b, "svc1.testns.svc.cluster.local. SOA");
	assert_nodata(b, "waiting.testns.svc.cluster.local. A");
	assert_nodata(b, "portless.testns.svc.cluster.local. SRV");
	assert_no_name(b, "svc0.testns.svc.cluster.local. A");
	assert_no_name(b, "svc1.nons.svc.cluster.local. A");
	assert_no_name(b, "svc0.testns.svc.cluster.local. SOA");
	assert_no_name(b, "foo.cluster.local. SOA");
}

static void ports(void **state)
{
	struct bed *b = *state;
	assert_string_equal(ask(b, "_http._tcp.svc1.testns.svc.cluster.local. SRV"),
		"0; _http._tcp.svc1.testns.svc.cluster.local. 5 IN SRV 0 100 80 "
		"svc1.testns.svc.cluster.local.; svc1.testns.svc.cluster.local. 5 IN A 10.0.0.1");
	assert_string_equal(ask(b, "http.tcp.svc1.testns.svc.cluster.local. SRV"),
		"0; http.tcp.svc1.testns.svc.cluster.local. 5 IN SRV 0 100 80 "
		"svc1.testns.svc.cluster.local.; svc1.testns.svc.cluster.local. 5 IN A 10.0.0.1");
	assert_string_equal(ask(b, "dual.testns.svc.cluster.local. SRV"),
		"0; dual.testns.svc.cluster.local. 5 IN SRV 0 50 80 dual.testns.svc.cluster.local.; "
		"dual.testns.svc.cluster.local. 5 IN A 10.0.0.3; "
		"dual.testns.svc.cluster.local. 5 IN AAAA 10::3");
	assert_string_equal(ask(b, "_._tcp.svc1.testns.svc.cluster.local. SRV"),
		"0; _._tcp.svc1.testns.svc.cluster.local. 5 IN SRV 0 100 80 "
		"svc1.testns.svc.cluster.local.; svc1.testns.svc.cluster.local. 5 IN A 10.0.0.1");
	assert_no_name(b, "_._udp.svc1.testns.svc.cluster.local. SRV");
	assert_nodata(b, "_http._tcp.svc1.testns.svc.cluster.local. A");
	assert_nodata(b, "_tcp.svc1.testns.svc.cluster.local. SRV");
	assert_no_name(b, "_udp.svc1.testns.svc.cluster.local. SRV");
	assert_no_name(b, "_ftp._tcp.svc1.testns.svc.cluster.local. SRV");
}

static void headless(void **state)
{
	struct bed *b = *state;
	assert_string_equal(ask(b, "hdls1.testns.svc.cluster.local. A"),
		"0; hdls1.testns.svc.cluster.local. 5 IN A 172.0.0.2; "
		"hdls1.testns.svc.cluster.local. 5 IN A 172.0.0.3; "
		"hdls1.testns.svc.cluster.local. 5 IN A 172.0.0.4; "
		"hdls1.testns.svc.cluster.local. 5 IN A 172.0.0.5");
	assert_string_equal(ask(b, "dup.hdls1.testns.svc.cluster.local. SRV"),
		"0; dup.hdls1.testns.svc.cluster.local. 5 IN SRV 0 50 80 "
		"dup.hdls1.testns.svc.cluster.local.; dup.hdls1.testns.svc.cluster.local. 5 IN A "
		"172.0.0.4; dup.hdls1.testns.svc.cluster.local. 5 IN A 172.0.0.5");
	assert_string_equal(ask(b, "5678-abcd--1.hdls1.testns.svc.cluster.local. AAAA"),
		"0; 5678-abcd--1.hdls1.testns.svc.cluster.local. 5 IN AAAA 5678:abcd::1");
	assert_string_equal(ask(b, "ep1a.svc1.testns.svc.cluster.local. A"),
		"0; ep1a.svc1.testns.svc.cluster.local. 5 IN A 172.0.0.1");
	assert_no_name(b, "172-0-0-6.hdls1.testns.svc.cluster.local. A");
	assert_no_name(b, "172-0-0-4.hdls1.testns.svc.cluster.local. A");
	assert_no_name(b, "gone.testns.svc.cluster.local. A");
}

static void zones(void **state)
{
	struct bed *b = *state;
	b->rules.zonal = true;
	assert_string_equal(ask(b, "a.b.pin._zone.hdls1.testns.svc.cluster.local. A"),
		"0; a.b.pin._zone.hdls1.testns.svc.cluster.local. 5 IN A 172.0.0.3");
	assert_nodata(b, "c.pin._zone.hdls1.testns.svc.cluster.local. A");
	assert_string_equal(ask(b, "c.prefer._zone.hdls1.testns.svc.cluster.local. AAAA"),
		"0; c.prefer._zone.hdls1.testns.svc.cluster.local. 5 IN AAAA 5678:abcd::1");
	assert_no_name(b, "a.b.pin._zone.svc1.testns.svc.cluster.local. A");
	assert_no_name(b, "a.b.have._zone.hdls1.testns.svc.cluster.local. A");
	b->rules.zonal = false;
	assert_no_name(b, "a.b.pin._zone.hdls1.testns.svc.cluster.local. A");
}

static void aliases(void **state)
{
	struct bed *b = *state;
	assert_string_equal(ask(b, "inside.testns.svc.cluster.local. A"),
		"0; inside.testns.svc.cluster.local. 5 IN CNAME svc1.testns.svc.cluster.local.; "
		"svc1.testns.svc.cluster.local. 5 IN A 10.0.0.1");
	assert_string_equal(ask(b, "external.testns.svc.cluster.local. CNAME"),
		"0; external.testns.svc.cluster.local. 5 IN CNAME ext.interwebs.test.");
	assert_string_equal(ask(b, "dangling.testns.svc.cluster.local. A"),
		"3; dangling.testns.svc.cluster.local. 5 IN CNAME nothing.testns.svc.cluster.local.");
	assert_true(has_soa(b));
	assert_nodata(b, "itself.testns.svc.cluster.local. A");
	assert_string_equal(ask(b, "ping.testns.svc.cluster.local. A"),
		"0; ping.testns.svc.cluster.local. 5 IN CNAME pong.testns.svc.cluster.local.; "
		"pong.testns.svc.cluster.local. 5 IN CNAME ping.testns.svc.cluster.local.");
	assert_no_name(b, "number.testns.svc.cluster.local. A");
	assert_no_name(b, "x.external.testns.svc.cluster.local. CNAME");
}

static void names_without_records(void **state)
{
	struct bed *b = *state;
	static const char *const types[] = { "A", "TXT", "SRV", "MX", "CNAME" };
	static const char *const there[] = { "cluster.local.", "svc.cluster.local.",
		"pod.cluster.local.", "dns.cluster.local.", "testns.svc.cluster.local.",
		"ns.dns.cluster.local." };
	static const char *const absent[] = { "foo.cluster.local.", "nons.svc.cluster.local.",
		"testns.pod.cluster.local.", "x.dns.cluster.local.",
		"a.b.c.svc1.testns.svc.cluster.local." };
	for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
		for (size_t i = 0; i < sizeof there / sizeof there[0]; i++)
			assert_nodata(b, arena_printf(b->arena, "%s %s", there[i], types[t]));
		for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
			assert_no_name(b, arena_printf(b->arena, "%s %s", absent[i], types[t]));
	}
	assert_string_equal(ask(b, "dns-version.cluster.local. TXT"),
		"0; dns-version.cluster.local. 28800 IN TXT \"1.1.0\"");
	assert_nodata(b, "dns-version.cluster.local. A");
	assert_string_equal(ask(b, "Cluster.LOCAL. SOA"),
		"0; Cluster.LOCAL. 5 IN SOA ns.dns.Cluster.LOCAL. hostmaster.Cluster.LOCAL. 1000 7200 "
		"1800 86400 5");
}

static void name_servers(void **state)
{
	struct bed *b = *state;
	struct kube_address local;
	b->rules.local = &local;
	b->rules.local_count = 1;
	assert_true(kube_address_parse(VIEW("10.244.0.20"), &local));
	assert_string_equal(ask(b, "Cluster.local. NS"),
		"0; Cluster.local. 5 IN NS kube-dns.kube-system.svc.Cluster.local.; "
		"kube-dns.kube-system.svc.Cluster.local. 5 IN A 10.0.0.10");
	assert_string_equal(ask(b, "ns.dns.cluster.local. A"),
		"0; ns.dns.cluster.local. 5 IN A 10.0.0.10");
	assert_true(kube_address_parse(VIEW("192.0.2.1"), &local));
	assert_string_equal(ask(b, "10.in-addr.arpa. NS"),
		"0; 10.in-addr.arpa. 5 IN NS ns.dns.10.in-addr.arpa.; "
		"ns.dns.10.in-addr.arpa. 5 IN A 192.0.2.1");
}

static void pods(void **state)
{
	struct bed *b = *state;
	assert_no_name(b, "10-240-0-1.podns.pod.cluster.local. A");
	b->rules.pods = KUBE_PODS_INSECURE;
	assert_string_equal(ask(b, "172-0-0-2.podns.pod.cluster.local. A"),
		"0; 172-0-0-2.podns.pod.cluster.local. 5 IN A 172.0.0.2");
	assert_string_equal(ask(b, "1--2.podns.pod.cluster.local. AAAA"),
		"0; 1--2.podns.pod.cluster.local. 5 IN AAAA 1::2");
	assert_no_name(b, "blah.podns.pod.cluster.local. HINFO");
	assert_no_name(b, "x.172-0-0-2.podns.pod.cluster.local. A");
	assert_nodata(b, "podns.pod.cluster.local. A");
	b->rules.pods = KUBE_PODS_VERIFIED;
	assert_string_equal(ask(b, "10-240-0-1.podns.pod.cluster.local. A"),
		"0; 10-240-0-1.podns.pod.cluster.local. 5 IN A 10.240.0.1");
	assert_string_equal(ask(b, "fd00--7.podns.pod.cluster.local. AAAA"),
		"0; fd00--7.podns.pod.cluster.local. 5 IN AAAA fd00::7");
	assert_nodata(b, "10-240-0-1.podns.pod.cluster.local. AAAA");
	assert_no_name(b, "172-0-0-2.podns.pod.cluster.local. A");
	assert_no_name(b, "10-240-0-1.testns.pod.cluster.local. A");
}

static void pointers(void **state)
{
	struct bed *b = *state;
	assert_string_equal(ask(b, "1.0.0.10.in-addr.arpa. PTR"),
		"0; 1.0.0.10.in-addr.arpa. 5 IN PTR svc1.testns.svc.cluster.local.");
	assert_string_equal(ask(b, "20.0.244.10.in-addr.arpa. PTR"),
		"0; 20.0.244.10.in-addr.arpa. 5 IN PTR "
		"10-244-0-20.kube-dns.kube-system.svc.cluster.local.");
	assert_nodata(b, "1.0.0.10.in-addr.arpa. A");
	assert_nodata(b, "0.0.10.in-addr.arpa. PTR");
	assert_no_name(b, "99.0.0.10.in-addr.arpa. PTR");
	assert_no_name(b, "x.1.0.0.10.in-addr.arpa. PTR");
	assert_no_name(b, "svc1.testns.svc.10.in-addr.arpa. A");
	assert_string_equal(
		ask(b, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.c.b.a.4.3.2.1.ip6.arpa. PTR"),
		"0; 1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.c.b.a.4.3.2.1.ip6.arpa. 5 IN "
		"PTR svc6.testns.svc.cluster.local.");
}

static void hidden_namespaces(void **state)
{
	struct bed *b = *state;
	struct view only[] = { VIEW("testns") };
	b->rules.namespaces = only;
	b->rules.namespace_count = 1;
	assert_no_name(b, "svc1.hiddenns.svc.cluster.local. A");
	assert_no_name(b, "hiddenns.svc.cluster.local. A");
	assert_no_name(b, "2.0.0.10.in-addr.arpa. PTR");
}

static void imports(void **state)
{
	struct bed *b = *state;
	assert_string_equal(ask(b, "far.testns.svc.clusterset.local. A"),
		"0; far.testns.svc.clusterset.local. 5 IN A 172.1.0.1");
	assert_string_equal(ask(b, "172-1-0-1.C1.far.testns.svc.clusterset.local. A"),
		"0; 172-1-0-1.C1.far.testns.svc.clusterset.local. 5 IN A 172.1.0.1");
	assert_string_equal(ask(b, "_http._tcp.far.testns.svc.clusterset.local. SRV"),
		"0; _http._tcp.far.testns.svc.clusterset.local. 5 IN SRV 0 100 80 "
		"172-1-0-1.c1.far.testns.svc.clusterset.local.; "
		"172-1-0-1.c1.far.testns.svc.clusterset.local. 5 IN A 172.1.0.1");
	assert_no_name(b, "172-1-0-1.far.testns.svc.clusterset.local. A");
	assert_no_name(b, "svc1.testns.svc.clusterset.local. A");
	assert_no_name(b, "far.testns.svc.cluster.local. A");
}

static void ignored_empty_services(void **state)
{
	struct bed *b = *state;
	b->rules.ignore_empty = true;
	assert_no_name(b, "svcempty.testns.svc.cluster.local. A");
	assert_string_equal(ask(b, "svc1.testns.svc.cluster.local. A"),
		"0; svc1.testns.svc.cluster.local. 5 IN A 10.0.0.1");
	assert_string_equal(ask(b, "external.testns.svc.cluster.local. CNAME"),
		"0; external.testns.svc.cluster.local. 5 IN CNAME ext.interwebs.test.");
}

static void nothing_is_denied_before_it_is_known(void **state)
{
	struct bed *b = *state;
	b->unsynced = true;
	b->rules.fallthrough = (struct fallthrough){ (struct name *)&name_root, 1 };
	assert_string_equal(ask(b, "svc0.testns.svc.cluster.local. A"), "2");
	assert_true(has_soa(b));
	assert_string_equal(ask(b, "99.0.0.10.in-addr.arpa. PTR"), "passed on");
	b->unsynced = false;
	assert_string_equal(ask(b, "svc0.testns.svc.cluster.local. A"), "passed on");
	assert_nodata(b, "svc1.testns.svc.cluster.local. AAAA");
}

static void changes(void **state)
{
	struct bed *b = *state;
	struct kube_index *x = b->index;
	put_slice(x, KUBE_SLICE, "testns", "hdls1-a", "hdls1", "172.0.0.2 172.0.0.9",
		"http/TCP/80");
	put_service(x, KUBE_SERVICE, "testns", "svc1", "ClusterIP", "10.0.0.11", "http/TCP/80");
	assert_string_equal(ask(b, "svc1.testns.svc.cluster.local. A"),
		"0; svc1.testns.svc.cluster.local. 5 IN A 10.0.0.1");
	assert_true(kube_index_publish(x, 1000));
	assert_false(kube_index_publish(x, 1000));
	assert_int_equal(kube_index_cluster(x)->serial, 1001);
	assert_string_equal(ask(b, "hdls1.testns.svc.cluster.local. A"),
		"0; hdls1.testns.svc.cluster.local. 5 IN A 172.0.0.2; "
		"hdls1.testns.svc.cluster.local. 5 IN A 172.0.0.9");
	assert_no_name(b, "1.0.0.10.in-addr.arpa. PTR");
	assert_string_equal(ask(b, "11.0.0.10.in-addr.arpa. PTR"),
		"0; 11.0.0.10.in-addr.arpa. 5 IN PTR svc1.testns.svc.cluster.local.");
	delete_object(x, KUBE_SLICE, "testns", "hdls1-a");
	delete_object(x, KUBE_SERVICE, "testns", "svc1");
	delete_object(x, KUBE_NAMESPACE, "", "podns");
	kube_index_publish(x, 2000);
	assert_int_equal(kube_index_cluster(x)->serial, 2000);
	assert_nodata(b, "hdls1.testns.svc.cluster.local. A");
	assert_no_name(b, "svc1.testns.svc.cluster.local. A");
	assert_no_name(b, "podns.svc.cluster.local. A");
}

static void a_list_leaves_nothing_else(void **state)
{
	struct bed *b = *state;
	struct kube_index *x = b->index;
	size_t before = kube_index_count(x, KUBE_SERVICE);
	kube_index_list_begin(x, KUBE_SERVICE);
	put_service(x, KUBE_SERVICE, "testns", "svc6", "ClusterIP", "1234:abcd::1", "http/TCP/80");
	assert_int_equal(kube_index_count(x, KUBE_SERVICE), before);
	kube_index_list_begin(x, KUBE_SERVICE);
	put_service(x, KUBE_SERVICE, "testns", "svc6", "ClusterIP", "1234:abcd::2", "http/TCP/80");
	put_service(x, KUBE_SERVICE, "testns", "hdls1", "ClusterIP", "None", "http/TCP/80");
	kube_index_list_end(x, KUBE_SERVICE);
	kube_index_publish(x, 2000);
	assert_int_equal(kube_index_count(x, KUBE_SERVICE), 2);
	assert_no_name(b, "svc1.testns.svc.cluster.local. A");
	assert_string_equal(ask(b, "svc6.testns.svc.cluster.local. AAAA"),
		"0; svc6.testns.svc.cluster.local. 5 IN AAAA 1234:abcd::2");
	assert_true(kube_index_cluster(x)->listed & 1u << KUBE_SERVICE);
}

static void pods_on_their_way_out(void **state)
{
	struct bed *b = *state;
	b->rules.pods = KUBE_PODS_VERIFIED;
	put_pod(b->index, "podns", "p", "10.240.0.9", true);
	put_pod(b->index, "podns", "late", "10.240.0.8", true);
	kube_index_publish(b->index, 2000);
	assert_string_equal(ask(b, "10-240-0-1.podns.pod.cluster.local. A"),
		"0; 10-240-0-1.podns.pod.cluster.local. 5 IN A 10.240.0.1");
	assert_no_name(b, "10-240-0-8.podns.pod.cluster.local. A");
	delete_object(b->index, KUBE_POD, "podns", "p");
	kube_index_publish(b->index, 2000);
	assert_no_name(b, "10-240-0-1.podns.pod.cluster.local. A");
}

int main(void)
{
	hash_init();
#define IN_CLUSTER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		IN_CLUSTER(services),
		IN_CLUSTER(ports),
		IN_CLUSTER(headless),
		IN_CLUSTER(zones),
		IN_CLUSTER(aliases),
		IN_CLUSTER(names_without_records),
		IN_CLUSTER(name_servers),
		IN_CLUSTER(pods),
		IN_CLUSTER(pointers),
		IN_CLUSTER(hidden_namespaces),
		IN_CLUSTER(imports),
		IN_CLUSTER(ignored_empty_services),
		IN_CLUSTER(nothing_is_denied_before_it_is_known),
		IN_CLUSTER(changes),
		IN_CLUSTER(a_list_leaves_nothing_else),
		IN_CLUSTER(pods_on_their_way_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
