/* Records of SkyDNS and answers of Nomad, as they are read. */
#include "test.h"


#include "base/hash.h"
#include "plugins/etcd/source.h"
#include "plugins/etcd/state.h"
#include "plugins/nomad/decode.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct service *read_value(const char *value)
{
	const char *why;
	struct service *s = service_read(VIEW("/skydns/x"), view_of(value), &why);
	assert_int_equal(s->broken, why != NULL);
	assert_true(view_is(service_key(s), "/skydns/x"));
	return s;
}

static void records_are_read(void **state)
{
	(void)state;
	struct service *s = read_value("{\"host\":\"192.0.2.1\",\"port\":8080,\"PRIORITY\":20,\"weight\":30,\"ttl\":60,\"mail\":true,"
				       "\"targetstrip\":2,\"group\":\"g1\",\"unknown\":{\"a\":[1,{}]}}");
	assert_false(s->broken);
	assert_int_equal(s->kind, SERVICE_IPV4);
	assert_memory_equal(s->address, "\300\0\2\1", 4);
	assert_int_equal(s->port, 8080);
	assert_int_equal(s->priority, 20);
	assert_int_equal(s->weight, 30);
	assert_int_equal(s->ttl, 60);
	assert_int_equal(s->strip, 2);
	assert_true(s->mail);
	assert_true(view_is(service_group(s), "g1"));
	free(s);
	s = read_value(" {} ");
	assert_int_equal(s->priority, 10);
	assert_int_equal(s->kind, SERVICE_ALIAS);
	free(s);
	s = read_value("{\"host\":null,\"port\":-1,\"text\":\"\\u00fc\"}");
	assert_int_equal(s->kind, SERVICE_TEXT);
	assert_int_equal(s->port, -1);
	assert_true(view_is(service_text(s), "\xc3\xbc"));
	free(s);
}

static void hosts_are_of_four_kinds(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		enum service_kind kind;
	} cases[] = {
		{ "{\"host\":\"192.0.2.1\",\"text\":\"x\"}", SERVICE_IPV4 },
		{ "{\"host\":\"::ffff:192.0.2.1\"}", SERVICE_IPV4 },
		{ "{\"host\":\"2001:db8::1\"}", SERVICE_IPV6 },
		{ "{\"host\":\"192.0.2.300\"}", SERVICE_ALIAS },
		{ "{\"host\":\"www.example.org\"}", SERVICE_ALIAS },
		{ "{\"host\":\"www.example.org\",\"text\":\"x\"}", SERVICE_TEXT },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct service *s = read_value(cases[i].value);
		assert_int_equal(s->kind, cases[i].kind);
		free(s);
	}
}

static void what_is_no_record_is_broken(void **state)
{
	(void)state;
	static const char *const values[] = { "", "{", "[]", "1", "\"x\"", "{} {}", "{\"port\":\"80\"}", "{\"port\":80.5}", "{\"port\":1e2}",
		"{\"ttl\":-1}", "{\"ttl\":4294967296}", "{\"host\":5}", "{\"host\":{}}", "{\"mail\":1}", "{\"mail\":\"true\"}",
		"{\"port\":9223372036854775808}", "{\"text\":[\"x\"]}", "{\"port\":true}", "{\"host\":\"a\"} x" };
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		struct service *s = read_value(values[i]);
		if (!s->broken)
			fail_msg("%s", values[i]);
		free(s);
	}
}

static void numbers_are_cut_as_go_cuts_them(void **state)
{
	(void)state;
	struct service *s = read_value("{\"port\":65616,\"priority\":65537,\"weight\":-5,\"targetstrip\":-7}");
	assert_int_equal(s->port, 80);
	assert_int_equal(s->priority, 1);
	assert_int_equal(s->weight, -5);
	assert_int_equal(s->strip, -1);
	free(s);
}

/* --- the state on the disk --- */

struct restored {
	struct service *services[4];
	int64_t leases[4];
	size_t count;
};

static void take_restored(void *owner, struct service *service, int64_t lease)
{
	struct restored *r = owner;
	assert_true(r->count < 4);
	r->leases[r->count] = lease;
	r->services[r->count++] = service;
}

static void put_value(struct sorted *to, struct trie_edit *e, const char *key, const char *value, struct service_lease *lease)
{
	const char *why;
	struct service *s = service_read(view_of(key), view_of(value), &why);
	s->modified = 42;
	s->lease = lease;
	assert_null(sorted_put(to, service_key_of, e, s));
}

static void a_state_is_read_as_it_was_written(void **state)
{
	(void)state;
	char path[] = "/tmp/isthmus-test-state-XXXXXX";
	struct sorted services = { 0 };
	struct trie_edit e = { 0 };
	struct state_problem why = { "" };
	struct service_lease lease = { .id = -5 };
	struct restored r = { 0 };
	put_value(&services, &e, "/skydns/a",
		"{\"host\":\"2001:db8::1\",\"port\":-1,\"priority\":7,\"weight\":-3,\"ttl\":9,\"targetstrip\":2,\"group\":\"g\",\"mail\":true}", &lease);
	put_value(&services, &e, "/skydns/b", "{\"host\":\"h\",\"text\":\"t\"}", NULL);
	put_value(&services, &e, "/skydns/c", "{", NULL);
	close(mkstemp(path));
	if (!etcd_state_write(path, "me", &services, &why))
		fail_msg("%s", why.text);
	assert_int_equal(etcd_state_read(path, "another", take_restored, &r, &why), STATE_REFUSED);
	assert_int_equal(r.count, 0);
	assert_int_equal(etcd_state_read(path, "me", take_restored, &r, &why), STATE_READ);
	assert_int_equal(r.count, 3);
	const struct service *s = r.services[0];
	assert_int_equal(s->kind, SERVICE_IPV6);
	assert_int_equal(s->port, -1);
	assert_int_equal(s->priority, 7);
	assert_int_equal(s->weight, -3);
	assert_int_equal(s->ttl, 9);
	assert_int_equal(s->strip, 2);
	assert_int_equal(s->modified, 42);
	assert_true(s->mail && view_is(service_group(s), "g"));
	assert_int_equal(r.leases[0], -5);
	assert_int_equal(r.services[1]->kind, SERVICE_TEXT);
	assert_int_equal(r.leases[1], 0);
	assert_true(r.services[2]->broken);
	for (size_t i = 0; i < r.count; i++)
		free(r.services[i]);
	sorted_free(&services, free);
	unlink(path);
}

/* --- Nomad --- */

static bool read_services(struct nomad_reading *r, const char *text)
{
	nomad_read_begin(r);
	return nomad_read(r, view_of(text)) && nomad_read_complete(r);
}

static void registrations_are_read(void **state)
{
	(void)state;
	struct nomad_reading r;
	assert_true(read_services(&r, "[{\"Address\":\"192.0.2.1\",\"Port\":80,\"Tags\":[\"a\"],\"X\":{\"Address\":\"9\"}},"
				      "{\"port\":81,\"address\":\"2001:db8::1\"},{\"Address\":\"name\",\"Port\":1}]"));
	assert_int_equal(r.count, 2);
	assert_true(r.skipped);
	assert_int_equal(r.registrations[0].port, 80);
	assert_int_equal(r.registrations[1].address_length, 16);
	nomad_read_end(&r);
	static const char *const bad[] = { "", "{}", "[", "[[]]", "[1]", "[{\"Port\":70000}]", "[{\"Port\":\"80\"}]", "[{\"Address\":5}]", "[] []" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (read_services(&r, bad[i]))
			fail_msg("%s", bad[i]);
		nomad_read_end(&r);
	}
	assert_true(read_services(&r, "[]"));
	nomad_read_end(&r);
	assert_true(read_services(&r, "null"));
	nomad_read_end(&r);
}

static void add_name(void *owner, struct view namespace, struct view name)
{
	char *text = owner;
	size_t at = strlen(text);
	snprintf(text + at, 200 - at, "%.*s/%.*s ", VIEW_ARGS(namespace), VIEW_ARGS(name));
}

static void lists_are_read(void **state)
{
	(void)state;
	struct nomad_listing l;
	char names[200] = "";
	nomad_list_begin(&l, add_name, names);
	assert_true(nomad_list(&l, VIEW("[{\"Namespace\":\"default\",\"Services\":[{\"ServiceName\":\"web\",\"Tags\":[\"a\"]},{\"ServiceName\":\"db\"}]},"
					"{\"Services\":[{\"ServiceName\":\"late\"}],\"Namespace\":\"prod\"},{\"Namespace\":\"none\",\"Services\":null}]")));
	assert_true(nomad_list_complete(&l));
	assert_string_equal(names, "default/web default/db prod/late ");
	nomad_list_end(&l);
	static const char *const bad[] = { "", "{}", "[[]]", "[{\"Namespace\":5}]", "[{\"Services\":[\"x\"]}]", "[{\"Services\":[{\"ServiceName\":{}}]}]" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		nomad_list_begin(&l, add_name, names);
		if (nomad_list(&l, view_of(bad[i])) && nomad_list_complete(&l))
			fail_msg("%s", bad[i]);
		nomad_list_end(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_read),
		cmocka_unit_test(hosts_are_of_four_kinds),
		cmocka_unit_test(what_is_no_record_is_broken),
		cmocka_unit_test(numbers_are_cut_as_go_cuts_them),
		cmocka_unit_test(a_state_is_read_as_it_was_written),
		cmocka_unit_test(registrations_are_read),
		cmocka_unit_test(lists_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
