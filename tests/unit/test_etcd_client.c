/* etcd's client: what it makes of answers, and, where etcd is installed, against a real one. */
#include "test.h"

#include "base/protobuf.h"
#include "base/random.h"
#include "sync/etcd_client.h"
#include "sync/etcd_message.h"
#include "sync/grpc_call.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- messages --- */

static void frames_are_found(void **state)
{
	(void)state;
	struct view message;
	size_t used;
	static const char two[] = "\0\0\0\0\3abc\0\0\0\0\0rest";
	struct view stream = { two, sizeof two - 1 };
	assert_int_equal(grpc_next_message(stream, 100, &message, &used), 1);
	assert_true(view_is(message, "abc"));
	assert_int_equal(used, 8);
	assert_int_equal(grpc_next_message(view_skip(stream, 8), 100, &message, &used), 1);
	assert_int_equal(message.length, 0);
	for (size_t n = 0; n < 8; n++)
		assert_int_equal(grpc_next_message(view_first(stream, n), 100, &message, &used), 0);
	assert_int_equal(grpc_next_message(stream, 2, &message, &used), -1);
	assert_int_equal(used, 3);
	assert_int_equal(grpc_next_message(VIEW("\1\0\0\0\0"), 100, &message, &used), -1);
	assert_int_equal(used, 0);
}

struct told {
	unsigned count;
	char text[4096];
	unsigned most; /* gives up then; 0: never */
};

static bool tell(void *owner, const struct etcd_pair *pair)
{
	struct told *t = owner;
	size_t at = strlen(t->text);
	if (t->count++ < 20)
		snprintf(t->text + at, sizeof t->text - at, "%.*s=%.*s;", VIEW_ARGS(pair->key), VIEW_ARGS(pair->value));
	return !t->most || t->count < t->most;
}

static void tell_change(void *owner, const struct etcd_pair *pair, bool deleted)
{
	if (!deleted)
		tell(owner, pair);
	else
		tell(owner, &(struct etcd_pair){ .key = pair->key, .value = VIEW("(deleted)") });
}

static void a_page_is_read(void **state)
{
	(void)state;
	static const char octets[] = "\x0a\x02\x18\x07"       /* header, revision 7 */
				     "\x12\x06\x0a\x01k\x2a\x01v" /* a pair */
				     "\x12\x05\x0a\x01l\x30\x05"  /* one with a lease */
				     "\x18\x01\x20\x09\x7a\x01x"; /* more, count, a field that is not known */
	struct view message = { octets, sizeof octets - 1 };
	struct told t = { 0 };
	struct etcd_page page;
	assert_true(etcd_read_page(message, tell, &t, &page));
	assert_string_equal(t.text, "k=v;l=;");
	assert_int_equal(page.revision, 7);
	assert_true(page.more);
	assert_true(view_is(page.last, "l"));
	t = (struct told){ .most = 1 };
	assert_true(etcd_read_page(message, tell, &t, &page));
	assert_true(page.stopped);
	assert_int_equal(t.count, 1);
	assert_false(etcd_read_page(view_first(message, message.length - 1), tell, &t, &page));
	assert_false(etcd_read_page(VIEW("\x12\x02\x0a\x05"), tell, &t, &page));
}

static void news_are_read(void **state)
{
	(void)state;
	struct told t = { 0 };
	struct etcd_watch w = { .changed = tell_change, .owner = &t };
	struct etcd_news news;
	static const char events[] = "\x0a\x02\x18\x08\x38\x01"
				     "\x5a\x08\x12\x06\x0a\x01k\x2a\x01v"
				     "\x5a\x09\x08\x01\x12\x05\x0a\x01k\x18\x09";
	assert_true(etcd_read_news((struct view){ events, sizeof events - 1 }, &w, &news));
	assert_string_equal(t.text, "k=v;k=(deleted);");
	assert_int_equal(news.revision, 8);
	assert_int_equal(news.events, 2);
	assert_true(news.fragment);
	assert_int_equal(news.last, 9);
	assert_false(news.of_stream);
	assert_true(etcd_read_news(VIEW("\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), &w, &news));
	assert_true(news.of_stream);
	assert_true(etcd_read_news(VIEW("\x20\x01\x28\x63\x32\x03why"), &w, &news));
	assert_true(news.canceled);
	assert_int_equal(news.compacted, 99);
	assert_true(view_is(news.reason, "why"));
	assert_false(etcd_read_news(VIEW("\x5a\x09\x12"), &w, &news));
}

static void prefixes_have_an_end(void **state)
{
	(void)state;
	struct arena *a = arena_new(256);
	assert_true(view_is(etcd_prefix_end(a, VIEW("/skydns/")), "/skydns0"));
	assert_true(view_is(etcd_prefix_end(a, VIEW("a\xff\xff")), "b"));
	assert_int_equal(etcd_prefix_end(a, VIEW("\xff")).at[0], 0);
	arena_free(a);
}

/* --- a real one --- */

struct server {
	pid_t pid;
	char folder[64], url[64], peer[64];
};

static int free_port(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof at;
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	getsockname(fd, (struct sockaddr *)&at, &length);
	close(fd);
	return ntohs(at.sin_port);
}

static void server_up(struct server *s)
{
	char cluster[80];
	snprintf(cluster, sizeof cluster, "one=%s", s->peer);
	s->pid = fork();
	if (s->pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int nowhere = open("/dev/null", O_WRONLY);
	dup2(nowhere, 1);
	dup2(nowhere, 2);
	execlp("etcd", "etcd", "--name", "one", "--data-dir", s->folder, "--listen-client-urls", s->url, "--advertise-client-urls",
		s->url, "--listen-peer-urls", s->peer, "--initial-advertise-peer-urls", s->peer, "--initial-cluster", cluster,
		"--unsafe-no-fsync", (char *)NULL);
	_exit(127);
}

static void server_kill(struct server *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
}

static bool is_installed(void)
{
	return system("command -v etcd >/dev/null 2>&1") == 0;
}

struct scene {
	struct loop *loop;
	struct arena *arena;
	struct server server;
	struct etcd_client *client;
	_Atomic bool stop;
	struct told told;
	struct etcd_watch watch;
	struct etcd_result watched;
	bool watch_over;
	unsigned caught_up;
};

static struct etcd_client *client_of(struct scene *s, const char *const *endpoints, size_t count, const char *user)
{
	struct etcd_settings *settings = arena_new_object(s->arena, struct etcd_settings);
	const char *why = "";
	*settings = (struct etcd_settings){ endpoints, count, view_of(user), view_of(user), NULL, 2 * NS_PER_S, &s->stop };
	struct etcd_client *c = etcd_client_new(s->loop, s->arena, settings, &why);
	if (!c)
		fail_msg("%s", why);
	return c;
}

static void succeeds(struct etcd_result r)
{
	if (r.end != ETCD_DONE)
		fail_msg("%d %s", r.end, r.error);
}

static void wait_until_up(struct scene *s)
{
	struct etcd_result r;
	for (unsigned i = 0; i < 100; i++) {
		r = etcd_put(s->client, VIEW("up"), VIEW("1"), 0);
		if (r.end == ETCD_DONE)
			return;
		fiber_sleep(100 * NS_PER_MS);
	}
	fail_msg("%s", r.error);
}

static void writes_and_reads(struct scene *s)
{
	bool created;
	int64_t revision;
	s->told = (struct told){ 0 };
	succeeds(etcd_put(s->client, VIEW("/a/1"), VIEW("one"), 0));
	succeeds(etcd_put(s->client, VIEW("/a/2"), VIEW("two"), 0));
	succeeds(etcd_put(s->client, VIEW("/b"), VIEW("no"), 0));
	succeeds(etcd_create(s->client, VIEW("/a/3"), VIEW("three"), 0, &created));
	assert_true(created);
	succeeds(etcd_create(s->client, VIEW("/a/3"), VIEW("other"), 0, &created));
	assert_false(created);
	succeeds(etcd_delete(s->client, VIEW("/a/1")));
	succeeds(etcd_range(s->client, VIEW("/a/"), VIEW("/a0"), tell, &s->told, &revision));
	assert_string_equal(s->told.text, "/a/2=two;/a/3=three;");
	assert_true(revision > 1);
	s->told = (struct told){ 0 };
	succeeds(etcd_range(s->client, VIEW("/b"), VIEW(""), tell, &s->told, NULL));
	assert_string_equal(s->told.text, "/b=no;");
}

static void reads_in_pages(struct scene *s)
{
	char key[32];
	for (unsigned i = 0; i < 2500; i++) {
		snprintf(key, sizeof key, "/many/%04u", i);
		succeeds(etcd_put(s->client, view_of(key), VIEW("x"), 0));
	}
	s->told = (struct told){ 0 };
	succeeds(etcd_range(s->client, VIEW("/many/"), VIEW("/many0"), tell, &s->told, NULL));
	assert_int_equal(s->told.count, 2500);
}

static void has_leases(struct scene *s)
{
	int64_t lease = 0, seconds = 0, granted = 0;
	succeeds(etcd_lease_grant(s->client, 100, &lease));
	assert_true(lease != 0);
	succeeds(etcd_put(s->client, VIEW("/leased"), VIEW("x"), lease));
	succeeds(etcd_lease_left(s->client, lease, &seconds, &granted));
	assert_int_equal(granted, 100);
	assert_in_range(seconds, 98, 100);
	succeeds(etcd_lease_keep(s->client, lease, &seconds));
	assert_int_equal(seconds, 100);
	succeeds(etcd_lease_revoke(s->client, lease));
	succeeds(etcd_lease_left(s->client, lease, &seconds, &granted));
	assert_int_equal(seconds, -1);
	s->told = (struct told){ 0 };
	succeeds(etcd_range(s->client, VIEW("/leased"), VIEW(""), tell, &s->told, NULL));
	assert_int_equal(s->told.count, 0);
}

static void caught_up(void *owner)
{
	(void)owner;
}

static void run_watch(void *data)
{
	struct scene *s = data;
	s->watched = etcd_watch(s->client, &s->watch);
	s->watch_over = true;
}

static void begin_watch(struct scene *s)
{
	s->told = (struct told){ 0 };
	s->watch_over = false;
	s->watch = (struct etcd_watch){ VIEW("/w/"), VIEW("/w0"), s->watch.from, false, tell_change, caught_up, &s->told };
	fiber_spawn(s->loop, run_watch, s);
	for (unsigned i = 0; i < 100 && !s->watch.heard; i++)
		fiber_sleep(20 * NS_PER_MS);
	assert_true(s->watch.heard);
}

static void until_told(struct scene *s, const char *text)
{
	for (unsigned i = 0; i < 100 && strcmp(s->told.text, text) != 0; i++)
		fiber_sleep(20 * NS_PER_MS);
	assert_string_equal(s->told.text, text);
}

static void until_over(struct scene *s, enum etcd_end end)
{
	for (unsigned i = 0; i < 250 && !s->watch_over; i++)
		fiber_sleep(20 * NS_PER_MS);
	assert_true(s->watch_over);
	if (s->watched.end != end)
		fail_msg("%d %s", s->watched.end, s->watched.error);
}

/* What happens between two watches is told of by the second one; the server is killed in between. */
static void watches(struct scene *s)
{
	s->told = (struct told){ 0 };
	succeeds(etcd_range(s->client, VIEW("/w/"), VIEW("/w0"), tell, &s->told, &s->watch.from));
	s->watch.from++;
	begin_watch(s);
	succeeds(etcd_put(s->client, VIEW("/w/1"), VIEW("a"), 0));
	succeeds(etcd_put(s->client, VIEW("/other"), VIEW("a"), 0));
	succeeds(etcd_delete(s->client, VIEW("/w/1")));
	until_told(s, "/w/1=a;/w/1=(deleted);");
	server_kill(&s->server);
	until_over(s, ETCD_AWAY);
	assert_int_equal(etcd_put(s->client, VIEW("/w/2"), VIEW("b"), 0).end, ETCD_AWAY);
	server_up(&s->server);
	wait_until_up(s);
	succeeds(etcd_put(s->client, VIEW("/w/2"), VIEW("b"), 0));
	begin_watch(s);
	until_told(s, "/w/2=b;");
}

static void compact(struct scene *s)
{
	char command[256];
	snprintf(command, sizeof command, "ETCDCTL_API=3 etcdctl --endpoints %s compact %lld >/dev/null 2>&1", s->server.url,
		(long long)s->watch.from - 1);
	assert_int_equal(system(command), 0);
}

static void stops_when_told(struct scene *s)
{
	atomic_store(&s->stop, true);
	until_over(s, ETCD_STOPPED);
	assert_int_equal(etcd_put(s->client, VIEW("/x"), VIEW("y"), 0).end, ETCD_STOPPED);
	atomic_store(&s->stop, false);
}

static void hears_of_compaction(struct scene *s)
{
	if (system("command -v etcdctl >/dev/null 2>&1") != 0)
		return;
	compact(s);
	s->watch.from = 1;
	s->watch_over = false;
	fiber_spawn(s->loop, run_watch, s);
	until_over(s, ETCD_COMPACTED);
}

static void passes_over_who_is_away(struct scene *s)
{
	char nobody[64];
	snprintf(nobody, sizeof nobody, "127.0.0.1:%d", free_port());
	const char *const endpoints[] = { nobody, s->server.url };
	struct etcd_client *c = client_of(s, endpoints, 2, "");
	succeeds(etcd_put(c, VIEW("/f"), VIEW("1"), 0));
	succeeds(etcd_put(c, VIEW("/f"), VIEW("2"), 0));
	etcd_client_free(c);
}

/* A user before there is authentication; then with it, and with the wrong password. */
static void authenticates(struct scene *s)
{
	const char *const endpoints[] = { s->server.url };
	char command[512];
	struct etcd_client *c = client_of(s, endpoints, 1, "root"), *wrong = client_of(s, endpoints, 1, "toor");
	succeeds(etcd_put(c, VIEW("/auth"), VIEW("1"), 0));
	if (system("command -v etcdctl >/dev/null 2>&1") == 0) {
		snprintf(command, sizeof command,
			"export ETCDCTL_API=3 ETCDCTL_ENDPOINTS=%s; (etcdctl user add root:root && etcdctl user grant-role root root && "
			"etcdctl auth enable) >/dev/null 2>&1",
			s->server.url);
		assert_int_equal(system(command), 0);
		succeeds(etcd_put(c, VIEW("/auth"), VIEW("2"), 0));
		assert_int_equal(etcd_put(wrong, VIEW("/auth"), VIEW("3"), 0).end, ETCD_REFUSED);
		assert_int_equal(etcd_put(s->client, VIEW("/auth"), VIEW("4"), 0).end, ETCD_REFUSED);
		server_kill(&s->server); /* it forgets all tokens */
		server_up(&s->server);
		fiber_sleep(NS_PER_S);
		for (unsigned i = 0; i < 50 && etcd_put(c, VIEW("/auth"), VIEW("5"), 0).end == ETCD_AWAY; i++)
			fiber_sleep(100 * NS_PER_MS);
		succeeds(etcd_put(c, VIEW("/auth"), VIEW("6"), 0));
	}
	etcd_client_free(c);
	etcd_client_free(wrong);
}

static void play(void *data)
{
	struct scene *s = data;
	const char *const endpoints[] = { s->server.url };
	s->client = client_of(s, endpoints, 1, "");
	wait_until_up(s);
	writes_and_reads(s);
	reads_in_pages(s);
	has_leases(s);
	watches(s);
	stops_when_told(s);
	hears_of_compaction(s);
	passes_over_who_is_away(s);
	authenticates(s);
	etcd_client_free(s->client);
	loop_stop(s->loop);
}

static void a_real_server_is_understood(void **state)
{
	(void)state;
	struct scene s = { .server.folder = "/tmp/isthmus-test-etcd-XXXXXX" };
	char command[128];
	if (!is_installed()) {
		print_message("etcd is not installed\n");
		skip();
	}
	assert_non_null(mkdtemp(s.server.folder));
	snprintf(s.server.url, sizeof s.server.url, "http://127.0.0.1:%d", free_port());
	snprintf(s.server.peer, sizeof s.server.peer, "http://127.0.0.1:%d", free_port());
	server_up(&s.server);
	s.arena = arena_new(4096);
	s.loop = loop_new(0);
	fiber_spawn(s.loop, play, &s);
	loop_run(s.loop);
	loop_free(s.loop);
	arena_free(s.arena);
	server_kill(&s.server);
	snprintf(command, sizeof command, "rm -rf %s", s.server.folder);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_found),
		cmocka_unit_test(a_page_is_read),
		cmocka_unit_test(news_are_read),
		cmocka_unit_test(prefixes_have_an_end),
		cmocka_unit_test(a_real_server_is_understood),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
