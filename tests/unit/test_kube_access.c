/* How an API server is reached: kubeconfigs, commands that give credentials, label selectors, limits of requests. */
#include "test.h"

#include "base/text.h"
#include "net/loop.h"
#include "plugins/kubernetes/credentials.h"
#include "plugins/kubernetes/limits.h"
#include "plugins/kubernetes/selector.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
	char folder[64], path[80];
	struct arena *arena;
	struct kube_access access;
	const char *why;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	snprintf(f->folder, sizeof f->folder, "/tmp/isthmus-access-XXXXXX");
	if (!mkdtemp(f->folder))
		return -1;
	snprintf(f->path, sizeof f->path, "%s/config", f->folder);
	f->arena = arena_new(4096);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char path[96];
	static const char *const names[] = { "config", "token", "get-token" };
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", f->folder, names[i]);
		unlink(path);
	}
	rmdir(f->folder);
	arena_free(f->arena);
	free(f);
	return 0;
}

static void put(struct fixture *f, const char *name, const char *content, mode_t mode)
{
	char path[96];
	snprintf(path, sizeof path, "%s/%s", f->folder, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
	close(fd);
}

/* A kubeconfig with this cluster and this user. */
static bool read_config(struct fixture *f, const char *cluster, const char *user)
{
	struct text t = { 0 };
	text_printf(&t,
		"apiVersion: v1\nkind: Config\ncurrent-context: here\n"
		"contexts:\n- {name: there, context: {cluster: none, user: u}}\n"
		"- {name: here, context: {cluster: c, user: u}}\n"
		"clusters:\n- name: c\n  cluster: {%s}\nusers:\n- name: u\n  user: {%s}\n",
		cluster, user);
	put(f, "config", t.at, 0600);
	text_free(&t);
	f->access = (struct kube_access){ 0 };
	f->why = NULL;
	return kube_access_kubeconfig(&f->access, f->arena, f->path, VIEW(""), &f->why);
}

static void a_kubeconfig_says_where_and_who(void **state)
{
	struct fixture *f = *state;
	assert_true(read_config(f, "server: 'https://api.example:6443/prefix/', certificate-authority-data: YWJj", "token: secret"));
	assert_int_equal(f->access.server_count, 1);
	assert_string_equal(f->access.servers->url, "https://api.example:6443/prefix");
	assert_string_equal(f->access.servers->host, "api.example:6443");
	assert_true(f->access.servers->secure);
	assert_true(view_is(f->access.tls.authorities, "abc"));
	assert_true(view_is(f->access.token, "Bearer secret"));
	assert_true(read_config(f, "server: 'https://10.0.0.1:6443', tls-server-name: api.internal", "tokenFile: token"));
	assert_string_equal(f->access.servers->url, "https://api.internal:6443");
	assert_string_equal(f->access.servers->connect_to, "api.internal:6443:10.0.0.1:6443");
	assert_non_null(strstr(f->access.token_file, "/token"));
	assert_true(read_config(f, "server: 'http://h'", "username: me, password: pw, as: other, as-groups: [a, b]"));
	assert_true(view_is(f->access.token, "Basic bWU6cHc="));
	assert_string_equal(f->access.headers[0], "Impersonate-User: other");
	assert_string_equal(f->access.headers[2], "Impersonate-Group: b");
	assert_null(f->access.headers[3]);
}

static void what_is_wrong_in_a_kubeconfig_is_said(void **state)
{
	struct fixture *f = *state;
	const struct {
		const char *cluster, *user, *why;
	} cases[] = {
		{ "", "", "invalid configuration: no server found for cluster \"c\"" },
		{ "server: 'https://h', certificate-authority: none", "", "no such file or directory" },
		{ "server: 'https://h', certificate-authority-data: '*'", "", "is no base64" },
		{ "server: 'https://h', insecure-skip-tls-verify: true, certificate-authority-data: YWJj", "",
			"with the insecure flag is not allowed" },
		{ "server: 'https://h'", "client-certificate-data: YWJj", "client-key-data or client-key must be" },
		{ "server: 'https://h'", "token: a, username: b", "more than one authentication method" },
		{ "server: 'https://h'", "auth-provider: {name: gcp}", "no Auth Provider found for name \"gcp\"" },
		{ "server: 'https://h'", "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never}",
			"command must be specified for u" },
		{ "server: 'https://h'", "exec: {command: x}", "apiVersion must be specified for u" },
		{ "server: 'https://h'", "exec: {command: x, apiVersion: client.authentication.k8s.io/v1}",
			"interactiveMode must be specified for u" },
		{ "server: 'https://h'", "exec: {command: x, apiVersion: v9}", "invalid apiVersion \"v9\"" },
		{ "server: 'https://h'",
			"exec: {command: x, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Always}",
			"standard input is not a terminal" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_false(read_config(f, cases[i].cluster, cases[i].user));
		if (!strstr(f->why, cases[i].why))
			fail_msg("%s: %s", cases[i].why, f->why);
	}
	assert_false(kube_access_kubeconfig(&f->access, f->arena, f->path, VIEW("no"), &f->why));
	assert_string_equal(f->why, "context \"no\" does not exist");
	assert_false(kube_access_kubeconfig(&f->access, f->arena, "/none", VIEW(""), &f->why));
	assert_string_equal(f->why, "stat /none: no such file or directory");
}

static void endpoints_stand_in_for_each_other(void **state)
{
	struct fixture *f = *state;
	const struct view words[] = { VIEW("10.0.0.1:8080"), VIEW("https://b:6443/"), VIEW("http://c") };
	assert_true(kube_access_endpoint(&f->access, f->arena, words, 3, NULL, NULL, NULL, &f->why));
	assert_int_equal(f->access.server_count, 3);
	assert_string_equal(f->access.servers[0].url, "http://10.0.0.1:8080");
	assert_false(f->access.servers[0].secure);
	assert_string_equal(f->access.servers[1].url, "https://b:6443");
	assert_true(f->access.servers[1].secure);
	assert_string_equal(f->access.servers[2].host, "c");
}

/* --- commands --- */

#define EXEC_V1 "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, "

static void a_command_is_called_as_the_kubeconfig_says(void **state)
{
	struct fixture *f = *state;
	assert_true(read_config(f, "server: 'https://h', tls-server-name: n, certificate-authority-data: YWJj",
		EXEC_V1 "command: ./get-token, args: [a, 'b c'], env: [{name: K, value: 'v w'}], provideClusterInfo: true}"));
	const struct kube_exec *e = f->access.exec;
	assert_non_null(strstr(e->argv[0], "/./get-token"));
	assert_int_equal(e->argv[0][0], '/');
	assert_string_equal(e->argv[1], "a");
	assert_string_equal(e->argv[2], "b c");
	assert_null(e->argv[3]);
	assert_string_equal(e->environment[0], "K=v w");
	assert_string_equal(e->environment[1],
		"KUBERNETES_EXEC_INFO={\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\","
		"\"spec\":{\"interactive\":false,\"cluster\":{\"insecure-skip-tls-verify\":false,\"server\":\"https://h\","
		"\"tls-server-name\":\"n\",\"certificate-authority-data\":\"YWJj\"}}}");
	assert_null(e->environment[2]);
	assert_true(read_config(f, "server: 'https://h'", EXEC_V1 "command: aws}"));
	assert_string_equal(f->access.exec->argv[0], "aws");
	assert_null(strstr(f->access.exec->environment[0], "cluster"));
}

static bool parse(struct fixture *f, const char *output, struct kube_exec_credential *to)
{
	static const struct kube_exec exec = { .api_version = "client.authentication.k8s.io/v1" };
	f->why = NULL;
	return kube_exec_parse(f->arena, &exec, view_of(output), to, &f->why);
}

#define CREDENTIAL "{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\""

static void what_a_command_prints_is_read(void **state)
{
	struct fixture *f = *state;
	struct kube_exec_credential c;
	assert_true(parse(f, CREDENTIAL ",\"status\":{\"token\":\"t\",\"expirationTimestamp\":\"2026-01-02T03:04:05Z\"}}\n", &c));
	assert_true(view_is(c.token, "t"));
	assert_int_equal(c.expires, 1767323045);
	assert_int_equal(c.certificate.length, 0);
	assert_true(parse(f,
		CREDENTIAL ",\n\t\"status\": {\"clientCertificateData\": \"-----BEGIN\\nA\\n\", \"clientKeyData\": \"K\\/\"}\n}", &c));
	assert_true(view_is(c.certificate, "-----BEGIN\nA\n"));
	assert_true(view_is(c.key, "K/"));
	assert_int_equal(c.expires, 0);
	const char *const bad[][2] = {
		{ "{\"kind\"", "decoding stdout" },
		{ "no object", "kind \"\"" },
		{ "{\"kind\":\"Status\"}", "kind \"Status\"" },
		{ "{\"kind\":\"ExecCredential\",\"apiVersion\":\"v1\"}", "plugin returned version v1" },
		{ CREDENTIAL "}", "didn't return a status field" },
		{ CREDENTIAL ",\"status\":{}}", "didn't return a token or cert/key pair" },
		{ CREDENTIAL ",\"status\":{\"clientKeyData\":\"K\"}}", "only certificate or key" },
		{ CREDENTIAL ",\"status\":{\"token\":\"t\",\"expirationTimestamp\":\"tomorrow\"}}", "no time of RFC 3339" },
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (parse(f, bad[i][0], &c))
			fail_msg("taken: %s", bad[i][0]);
		if (!strstr(f->why, bad[i][1]))
			fail_msg("%s: %s", bad[i][0], f->why);
	}
}

/* --- selectors --- */

static void selectors_have_one_form(void **state)
{
	struct fixture *f = *state;
	const char *const cases[][2] = {
		{ "app=x,tier in (a, b)", "app=x,tier in (a,b)" },
		{ "b==2, a!=1", "a!=1,b=2" },
		{ "!gone,there", "!gone,there" },
		{ "z notin (c,a,b)", "z notin (a,b,c)" },
		{ "example.com/role=", "example.com/role=" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *text = kube_selector_parse(f->arena, view_of(cases[i][0]), &f->why);
		assert_non_null(text);
		assert_string_equal(text, cases[i][1]);
	}
	const char *const bad[] = { ",x in", "a in b", "a in (", "a=b=c", "=b", "a notin ()x", "!", "a b" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		f->why = "";
		if (kube_selector_parse(f->arena, view_of(bad[i]), &f->why))
			fail_msg("taken: %s", bad[i]);
		assert_true(f->why[0]);
	}
}

/* --- limits --- */

static void lists_are_spread_over_time(void **state)
{
	const struct kube_limits limits = { .per_second = 2, .burst = 3 }, none = { 0 };
	struct kube_budget b = { 0 };
	uint64_t now = 1000 * NS_PER_S;
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(kube_budget_spend(&b, &limits, now), 0);
	uint64_t wait = kube_budget_spend(&b, &limits, now);
	assert_in_range(wait, NS_PER_S / 2, NS_PER_S / 2 + 1000);
	assert_int_not_equal(kube_budget_spend(&b, &limits, now + wait / 2), 0);
	assert_int_equal(kube_budget_spend(&b, &limits, now + wait), 0);
	now += 3600 * NS_PER_S; /* never more than the burst */
	for (int i = 0; i < 3; i++)
		assert_int_equal(kube_budget_spend(&b, &limits, now), 0);
	assert_int_not_equal(kube_budget_spend(&b, &limits, now), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(kube_budget_spend(&b, &none, now), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_kubeconfig_says_where_and_who, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_wrong_in_a_kubeconfig_is_said, setup, teardown),
		cmocka_unit_test_setup_teardown(endpoints_stand_in_for_each_other, setup, teardown),
		cmocka_unit_test_setup_teardown(a_command_is_called_as_the_kubeconfig_says, setup, teardown),
		cmocka_unit_test_setup_teardown(what_a_command_prints_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(selectors_have_one_form, setup, teardown),
		cmocka_unit_test_setup_teardown(lists_are_spread_over_time, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
