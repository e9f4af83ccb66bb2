/* plugins/kubernetes/decode: what an API server answers, in both formats, cut anywhere. */
#include "test.h"

#include "base/text.h"
#include "plugins/kubernetes/decode.h"
#include <stdio.h>
#include <stdlib.h>

struct told {
	struct text text;
	size_t objects, most; /* no more than so many are wanted; 0: all */
};

static void add(struct text *t, const char *name, struct view v)
{
	if (v.length)
		text_printf(t, " %s=%.*s", name, VIEW_ARGS(v));
}

static void add_all(struct text *t, const char *name, const struct view *v, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add(t, name, v[i]);
}

static bool on_object(void *owner, enum kube_event event, const struct kube_object *o)
{
	static const char *const events[] = { "LISTED", "ADDED", "MODIFIED", "DELETED", "BOOKMARK" };
	struct told *told = owner;
	struct text *t = &told->text;
	text_printf(t, "%s", events[event]);
	add(t, "ns", o->namespace);
	add(t, "name", o->name);
	add(t, "version", o->version);
	add(t, "type", o->type);
	add(t, "service", o->service);
	add(t, "cluster", o->cluster);
	add(t, "trigger", o->trigger);
	add(t, "to", o->external_name);
	add_all(t, "ip", o->addresses, o->address_count);
	add_all(t, "external", o->external, o->external_count);
	for (size_t i = 0; i < o->port_count; i++)
		text_printf(t, " port=%.*s/%.*s/%d", VIEW_ARGS(o->ports[i].name),
			VIEW_ARGS(o->ports[i].protocol), (int)o->ports[i].number);
	for (size_t i = 0; i < o->endpoint_count; i++) {
		const struct kube_endpoint *e = &o->endpoints[i];
		text_printf(t, " endpoint=%s", e->ready ? "ready" : "not");
		add_all(t, "at", e->addresses, e->address_count);
		add(t, "host", e->hostname);
		add(t, "pod", e->pod);
		add(t, "zone", e->zone);
	}
	for (size_t i = 0; i < o->label_count; i++)
		text_printf(t, " label=%.*s:%.*s", VIEW_ARGS(o->labels[i].key),
			VIEW_ARGS(o->labels[i].value));
	text_add_string(t, o->deleting ? " deleting" : "");
	text_add_string(t, o->list_ends ? " end" : "");
	text_add_char(t, '\n');
	return ++told->objects != told->most;
}

static bool on_status(void *owner, const struct kube_status *s)
{
	struct told *told = owner;
	text_printf(&told->text, "STATUS %ld %.*s: %.*s%s retry=%ld\n", s->code, VIEW_ARGS(s->reason),
		VIEW_ARGS(s->message), s->version_too_large ? " too large" : "", s->retry_after);
	return true;
}

/* What is told of these octets in pieces; NULL if they are refused. */
static const char *decode(struct told *told, enum kube_format format, enum kube_kind kind, bool watch,
	struct view octets, size_t piece)
{
	struct kube_reader reader = { on_object, on_status, told };
	struct kube_decoder *d = kube_decoder_new(format, kind, watch, &reader);
	text_clear(&told->text);
	bool fine = true;
	while (fine && octets.length) {
		size_t length = piece < octets.length ? piece : octets.length;
		fine = kube_decoder_feed(d, view_first(octets, length));
		octets = view_skip(octets, length);
	}
	fine = fine && kube_decoder_complete(d);
	if (fine && kube_decoder_version(d).length)
		text_printf(&told->text, "list %.*s %.*s\n", VIEW_ARGS(kube_decoder_version(d)),
			VIEW_ARGS(kube_decoder_continue(d)));
	assert_true(fine == !kube_decoder_error(d));
	kube_decoder_free(d);
	return fine ? text_view(&told->text).at : NULL;
}

static void assert_told(enum kube_format format, enum kube_kind kind, bool watch, struct view octets,
	const char *expected)
{
	struct told told = { 0 };
	for (size_t piece = 1; piece <= octets.length; piece++) {
		const char *text = decode(&told, format, kind, watch, octets, piece);
		assert_non_null(text);
		assert_string_equal(text, expected);
	}
	text_free(&told.text);
}

/* The octets that this text of hexadecimal digits stands for, in `to`. */
static struct view octets_of(const char *hex, char *to)
{
	size_t count = 0;
	unsigned octet;
	for (; sscanf(hex, "%2x", &octet) == 1; hex += 2)
		to[count++] = (char)octet;
	return (struct view){ to, count };
}

static void protobuf_list(void **state)
{
	(void)state;
	char room[256];
	assert_told(KUBE_PROTOBUF, KUBE_NAMESPACE, false,
		octets_of("6b3873000a130a027631120d4e616d6573706163654c69737412170a051203313030"
			  "120e0a0c0a06746573746e7332023130",
			room),
		"LISTED name=testns version=10\nlist 100 \n");
}

static void protobuf_events(void **state)
{
	(void)state;
	char room[512];
	assert_told(KUBE_PROTOBUF, KUBE_NAMESPACE, true,
		octets_of("0000004f0a08424f4f4b4d41524b12430a416b3873000a0f0a02763112094e616d6573"
			  "70616365122a0a28320331303062210a196b38732e696f2f696e697469616c2d65766"
			  "56e74732d656e64120474727565",
			room),
		"BOOKMARK version=100 end\n");
	assert_told(KUBE_PROTOBUF, KUBE_NAMESPACE, true,
		octets_of("0000004e0a054552524f5212450a436b3873000a0c0a0276311206537461747573122f"
			  "12074661696c7572651a18746f6f206f6c64207265736f757263652076657273696f6e"
			  "220745787069726564309a03",
			room),
		"STATUS 410 Expired: too old resource version retry=0\n");
	assert_told(KUBE_PROTOBUF, KUBE_SLICE, true,
		octets_of("000000a50a054144444544129b010a98016b3873000a240a13646973636f766572792e"
			  "6b38732e696f2f7631120d456e64706f696e74536c696365126c0a340a0268311a0674"
			  "6573746e73320231305a220a1a6b756265726e657465732e696f2f736572766963652d"
			  "6e616d65120468646c73120d0a093137322e302e302e311200120f0a093137322e302e"
			  "302e32120208001a0e0a0468747470120354435018903f220449507634",
			room),
		"ADDED ns=testns name=h1 version=10 type=IPv4 service=hdls port=http/TCP/8080 "
		"endpoint=ready at=172.0.0.1 endpoint=not at=172.0.0.2\n");
}

static void json_services(void **state)
{
	(void)state;
	assert_told(KUBE_JSON, KUBE_SERVICE, false,
		VIEW("{\"kind\":\"ServiceList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"7\","
		     "\"continue\":\"next\"},\"items\":[{\"metadata\":{\"name\":\"a\",\"namespace\":\"n\","
		     "\"resourceVersion\":\"5\",\"labels\":{\"x\":\"y\"},\"managedFields\":[{\"a\":{\"b\":[1]}}]},"
		     "\"spec\":{\"ports\":[{\"name\":\"http\",\"protocol\":\"TCP\",\"port\":80,"
		     "\"targetPort\":8080},{\"port\":53}],\"clusterIP\":\"10.0.0.1\",\"clusterIPs\":"
		     "[\"10.0.0.1\",\"fd00::1\"],\"type\":\"ClusterIP\",\"externalIPs\":[\"1.2.3.4\"]},"
		     "\"status\":{\"loadBalancer\":{\"ingress\":[{\"ip\":\"2.3.4.5\"},{\"hostname\":"
		     "\"lb.test\"}]}}},{\"metadata\":{\"name\":\"b\",\"namespace\":\"n\"},\"spec\":{"
		     "\"clusterIP\":\"None\",\"type\":\"ClusterIP\"}},{\"metadata\":{\"name\":\"c\"},"
		     "\"spec\":{\"type\":\"ExternalName\",\"externalName\":\"x.test\"}}]}"),
		"LISTED ns=n name=a version=5 type=ClusterIP ip=10.0.0.1 ip=fd00::1 external=1.2.3.4 "
		"external=2.3.4.5 external=lb.test port=http/TCP/80 port=//53\n"
		"LISTED ns=n name=b type=ClusterIP ip=None\n"
		"LISTED name=c type=ExternalName to=x.test\nlist 7 next\n");
}

static void json_events(void **state)
{
	(void)state;
	assert_told(KUBE_JSON, KUBE_SLICE, true,
		VIEW("{\"type\":\"ADDED\",\"object\":{\"kind\":\"EndpointSlice\",\"metadata\":{\"name\":\"s\","
		     "\"namespace\":\"n\",\"labels\":{\"kubernetes.io/service-name\":\"a\"},\"annotations\":{"
		     "\"endpoints.kubernetes.io/last-change-trigger-time\":\"2026-01-01T00:00:00Z\"}},"
		     "\"addressType\":\"IPv4\",\"endpoints\":[{\"addresses\":[\"10.0.0.1\",\"10.0.0.2\"],"
		     "\"conditions\":{\"ready\":true},\"hostname\":\"h\",\"targetRef\":{\"kind\":\"Pod\","
		     "\"name\":\"p\"},\"zone\":\"z\"},{\"addresses\":[\"10.0.0.3\"],\"conditions\":{"
		     "\"ready\":false}},{\"addresses\":[\"10.0.0.4\"],\"conditions\":{\"ready\":null}}],"
		     "\"ports\":[{\"name\":\"http\",\"protocol\":\"TCP\",\"port\":80}]}}\n"
		     "{\"object\":{\"kind\":\"EndpointSlice\",\"metadata\":{\"name\":\"s\"}},\"type\":\"DELETED\"}\n"
		     "{\"type\":\"ADDED\",\"object\":{\"kind\":\"Pod\",\"metadata\":{\"name\":\"no\"}}}\n"
		     "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"EndpointSlice\",\"metadata\":{"
		     "\"resourceVersion\":\"9\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}\n"
		     "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"status\":\"Failure\",\"message\":"
		     "\"gone\",\"reason\":\"Expired\",\"code\":410}}"),
		"ADDED ns=n name=s type=IPv4 service=a trigger=2026-01-01T00:00:00Z port=http/TCP/80 "
		"endpoint=ready at=10.0.0.1 at=10.0.0.2 host=h pod=p zone=z endpoint=not at=10.0.0.3 "
		"endpoint=ready at=10.0.0.4\nDELETED name=s\nBOOKMARK version=9 end\n"
		"STATUS 410 Expired: gone retry=0\n");
}

static void json_pods_and_statuses(void **state)
{
	(void)state;
	assert_told(KUBE_JSON, KUBE_POD, true,
		VIEW("{\"type\":\"MODIFIED\",\"object\":{\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\","
		     "\"deletionTimestamp\":\"2026-01-01T00:00:00Z\",\"labels\":{\"app\":\"x\"}},\"status\":{"
		     "\"phase\":\"Running\",\"podIP\":\"10.1.0.1\",\"podIPs\":[{\"ip\":\"10.1.0.1\"},"
		     "{\"ip\":\"fd00::1\"}]}}}"),
		"MODIFIED name=p type=Running ip=10.1.0.1 ip=fd00::1 label=app:x deleting\n");
	assert_told(KUBE_JSON, KUBE_POD, false,
		VIEW("{\"kind\":\"Status\",\"metadata\":{},\"message\":\"wait\",\"reason\":\"Timeout\","
		     "\"details\":{\"causes\":[{\"reason\":\"ResourceVersionTooLarge\"}],"
		     "\"retryAfterSeconds\":3},\"code\":504}"),
		"STATUS 504 Timeout: wait too large retry=3\n");
}

static void refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "[]", "{\"items\":[{]}", "{\"items\":[", "7", "{\"kind\":}" };
	static const char *const strange[] = { "{\"items\":[[5]]}", "{\"items\":[{\"spec\":{\"ports\":[{"
		"\"port\":1}]}},[5]]}", "{\"items\":[{\"spec\":{\"ports\":[[1],2,{\"port\":[3]}]}}]}",
		"{\"items\":{\"a\":1}}", "{\"items\":[{\"endpoints\":[[\"a\"],{\"addresses\":[[\"b\"]],"
		"\"conditions\":[false]}]}]}", "{\"message\":\"m\",\"items\":[{}],\"kind\":\"Status\"}",
		"{\"items\":[{\"metadata\":{\"labels\":[1,\"x\"],\"annotations\":{\"a\":{\"b\":1}}}}]}" };
	struct told told = { 0 };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_null(decode(&told, KUBE_JSON, KUBE_SERVICE, false, view_of(bad[i]), 3));
	for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
		for (int kind = 0; kind < KUBE_KINDS; kind++)
			assert_non_null(decode(&told, KUBE_JSON, (enum kube_kind)kind, false,
				view_of(strange[i]), 3));
	}
	assert_null(decode(&told, KUBE_JSON, KUBE_SERVICE, true,
		VIEW("{\"type\":\"NEW\",\"object\":{}}"), 3));
	assert_null(decode(&told, KUBE_PROTOBUF, KUBE_SERVICE, false, VIEW("{\"kind\":1}"), 3));
	assert_null(decode(&told, KUBE_PROTOBUF, KUBE_SERVICE, false,
		((struct view){ "k8s\0\x12\x05\x12\x04", 8 }), 3));
	assert_null(decode(&told, KUBE_PROTOBUF, KUBE_SERVICE, true, VIEW("\xff\xff\xff\xff"), 1));
	text_free(&told.text);
}

static void every_cut_of_an_event_is_safe(void **state)
{
	(void)state;
	char room[512];
	struct told told = { 0 };
	struct view event = octets_of(
		"000000a50a054144444544129b010a98016b3873000a240a13646973636f766572792e"
		"6b38732e696f2f7631120d456e64706f696e74536c696365126c0a340a0268311a0674"
		"6573746e73320231305a220a1a6b756265726e657465732e696f2f736572766963652d"
		"6e616d65120468646c73120d0a093137322e302e302e311200120f0a093137322e302e"
		"302e32120208001a0e0a0468747470120354435018903f220449507634",
		room);
	for (size_t i = 0; i < event.length; i++) {
		for (int flip = 1; flip < 256; flip <<= 1) {
			room[i] = (char)(room[i] ^ flip);
			decode(&told, KUBE_PROTOBUF, KUBE_SLICE, true, event, 50);
			room[i] = (char)(room[i] ^ flip);
		}
	}
	text_free(&told.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(protobuf_list),
		cmocka_unit_test(protobuf_events),
		cmocka_unit_test(json_services),
		cmocka_unit_test(json_events),
		cmocka_unit_test(json_pods_and_statuses),
		cmocka_unit_test(refused),
		cmocka_unit_test(every_cut_of_an_event_is_safe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
