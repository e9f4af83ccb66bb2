/* A cluster's state on disk: what is written is what is read, and nothing is taken in part. And when a source is healthy. */
#include "test.h"

#include "base/epoch.h"
#include "base/file.h"
#include "base/hash.h"
#include "cluster_objects.h"
#include "plugins/kubernetes/source_parts.h"
#include "plugins/kubernetes/state.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ALL = (1 << KUBE_KINDS) - 1 };

static const struct kube_keeping keeping = { .zones = true, .labels = true };
static const struct kube_state_owner owner = { "https://api.example watched=63", ALL };

struct fixture {
	char folder[64], path[80], again[80];
	struct arena *arena;
	struct kube_index *index, *other;
	struct state_problem why;
};

static void fill(struct kube_index *x)
{
	for (int kind = 0; kind < KUBE_KINDS; kind++)
		kube_index_list_begin(x, (enum kube_kind)kind);
	put_namespace(x, "default");
	put_namespace(x, "empty");
	put_service(x, KUBE_SERVICE, "default", "web", "ClusterIP", "10.0.0.1 fd00::1", "http/TCP/80 dns/UDP/53");
	put_service(x, KUBE_SERVICE, "default", "portless", "ClusterIP", "10.0.0.9", "");
	put_service(x, KUBE_SERVICE, "default", "db", "ClusterIP", "None", "pg/TCP/5432");
	put_alias(x, "default", "ext", "www.example.org");
	put_slice(x, KUBE_SLICE, "default", "db-1", "db", "10.1.0.1=db-0 10.1.0.2=@zone.a 10.1.0.3", "pg/TCP/5432");
	put_slice(x, KUBE_SLICE, "default", "db-2", "db", "fd00::2=db-9", "pg/TCP/5432");
	put_slice(x, KUBE_SLICE, "default", "nobodys", "", "10.9.0.1", "");
	put_pod(x, "default", "client", "10.3.0.1 fd00::3", false);
	put_service(x, KUBE_IMPORT, "default", "far", "Headless", "", "http/TCP/80");
	put_service(x, KUBE_IMPORT, "default", "set", "ClusterSetIP", "10.98.0.1", "http/TCP/80");
	put_slice(x, KUBE_IMPORT_SLICE, "default", "far-1", "far", "172.1.0.1=e", "http/TCP/80");
	for (int kind = 0; kind < KUBE_KINDS; kind++)
		kube_index_list_end(x, (enum kube_kind)kind);
	kube_index_publish(x, 1000);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	snprintf(f->folder, sizeof f->folder, "/tmp/isthmus-kube-state-XXXXXX");
	if (!mkdtemp(f->folder))
		return -1;
	snprintf(f->path, sizeof f->path, "%s/state", f->folder);
	snprintf(f->again, sizeof f->again, "%s/again", f->folder);
	f->arena = arena_new(4096);
	f->index = kube_index_new(&keeping);
	f->other = kube_index_new(&keeping);
	fill(f->index);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	unlink(f->path);
	unlink(f->again);
	rmdir(f->folder);
	kube_index_free(f->index);
	kube_index_free(f->other);
	epoch_drain();
	arena_free(f->arena);
	free(f);
	return 0;
}

static struct view payload_of(struct fixture *f, const char *path)
{
	struct state s;
	assert_int_equal(state_read(f->arena, path, (struct state_kind){ "kubernetes", 1 }, 1 << 20, &s, &f->why), STATE_READ);
	return s.payload;
}

static void what_is_written_is_what_is_read(void **state)
{
	struct fixture *f = *state;
	uint64_t written = 0;
	assert_int_equal(kube_state_read(f->path, &owner, f->other, &written, &f->why), STATE_NONE);
	assert_true(kube_state_write(f->path, &owner, f->index, &f->why));
	assert_int_equal(kube_state_read(f->path, &owner, f->other, &written, &f->why), STATE_READ);
	assert_true(written != 0);
	kube_index_publish(f->other, 2000);
	assert_int_equal(kube_index_cluster(f->other)->listed, ALL);
	for (int kind = 0; kind < KUBE_KINDS; kind++)
		assert_int_equal(kube_index_count(f->other, (enum kube_kind)kind), kube_index_count(f->index, (enum kube_kind)kind));
	/* Written once more it is octet by octet the same. */
	assert_true(kube_state_write(f->again, &owner, f->other, &f->why));
	assert_true(view_equal(payload_of(f, f->path), payload_of(f, f->again)));
}

static void what_is_not_whole_is_not_taken(void **state)
{
	struct fixture *f = *state;
	const char *why = NULL;
	assert_true(kube_state_write(f->path, &owner, f->index, &f->why));
	struct view payload = payload_of(f, f->path);
	for (size_t length = 0; length < payload.length; length++)
		assert_false(kube_state_take(view_first(payload, length), &owner, f->other, &why));
	kube_index_publish(f->other, 2000);
	assert_int_equal(kube_index_cluster(f->other)->listed, 0);
	for (int kind = 0; kind < KUBE_KINDS; kind++)
		assert_int_equal(kube_index_count(f->other, (enum kube_kind)kind), 0);
	assert_true(kube_state_take(payload, &owner, f->other, &why));
}

static void what_is_of_another_owner_is_not_taken(void **state)
{
	struct fixture *f = *state;
	const struct kube_state_owner another = { "https://other.example watched=63", ALL };
	uint64_t written;
	assert_true(kube_state_write(f->path, &owner, f->index, &f->why));
	assert_int_equal(kube_state_read(f->path, &another, f->other, &written, &f->why), STATE_REFUSED);
	assert_non_null(strstr(f->why.text, "of another cluster"));
}

static void a_list_that_comes_later_replaces_the_state(void **state)
{
	struct fixture *f = *state;
	uint64_t written;
	assert_true(kube_state_write(f->path, &owner, f->index, &f->why));
	assert_int_equal(kube_state_read(f->path, &owner, f->other, &written, &f->why), STATE_READ);
	kube_index_list_begin(f->other, KUBE_SERVICE);
	put_service(f->other, KUBE_SERVICE, "default", "web", "ClusterIP", "10.0.0.77", "http/TCP/80");
	kube_index_list_end(f->other, KUBE_SERVICE);
	kube_index_publish(f->other, 2000);
	assert_int_equal(kube_index_count(f->other, KUBE_SERVICE), 1);
	assert_int_equal(kube_index_count(f->other, KUBE_SLICE), 3);
}

static void a_source_is_healthy_until_it_is_out_of_reach_for_a_minute(void **state)
{
	struct kube_server server = { "http://h", "h", NULL, false };
	struct kube_source_settings settings = { .access = { .servers = &server, .server_count = 1 }, .watched = 1 << KUBE_SERVICE };
	struct kube_source *s = kube_source_new(&settings);
	struct kube_watch *w = &s->watches[KUBE_SERVICE];
	(void)state;
	kube_source_judge(s);
	assert_false(kube_source_healthy(s)); /* nothing is known */
	kube_index_list_begin(s->index, KUBE_SERVICE);
	kube_index_list_end(s->index, KUBE_SERVICE);
	kube_index_publish(s->index, 1000);
	w->heard = clock_now();
	kube_source_judge(s);
	assert_true(kube_source_healthy(s));
	w->failures = 3;
	kube_source_judge(s);
	assert_true(kube_source_healthy(s)); /* heard a moment ago */
	w->heard = clock_now() - 61 * NS_PER_S;
	kube_source_judge(s);
	assert_false(kube_source_healthy(s));
	w->failures = 0;
	kube_source_judge(s);
	assert_true(kube_source_healthy(s)); /* quiet, and connected */
	s->restored = 1 << KUBE_SERVICE;
	kube_source_judge(s);
	assert_false(kube_source_healthy(s)); /* from the disk */
	kube_source_free(s);
	epoch_drain();
}

int main(void)
{
	hash_init();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_written_is_what_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_whole_is_not_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_of_another_owner_is_not_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(a_list_that_comes_later_replaces_the_state, setup, teardown),
		cmocka_unit_test(a_source_is_healthy_until_it_is_out_of_reach_for_a_minute),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
