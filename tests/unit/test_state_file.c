/* State files: what is written is read again, whatever else is refused, and a write that fails changes nothing. */
#include "test.h"

#include "base/file.h"
#include "net/loop.h"
#include "sync/state_file.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT = 1 << 20 };

static const struct state_kind kind = { "clusters", 3 };

struct fixture {
	char folder[64], path[80], temporary[80];
	struct arena *arena;
	struct state state;
	struct state_problem why;
};

static bool state_write(const char *path, struct state_kind of, struct view payload, struct state_problem *why)
{
	struct state_writer *w = state_write_begin(path, of, why);
	if (!w)
		return false;
	state_write_add(w, payload);
	return state_write_end(w, why);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	snprintf(f->folder, sizeof f->folder, "/tmp/isthmus-state-XXXXXX");
	if (!mkdtemp(f->folder))
		return -1;
	snprintf(f->path, sizeof f->path, "%s/state", f->folder);
	snprintf(f->temporary, sizeof f->temporary, "%s/state.new", f->folder);
	f->arena = arena_new(4096);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	unlink(f->path);
	unlink(f->temporary);
	rmdir(f->folder);
	arena_free(f->arena);
	free(f);
	return 0;
}

static enum state_outcome read_again(struct fixture *f)
{
	return state_read(f->arena, f->path, kind, LIMIT, &f->state, &f->why);
}

static void assert_holds(struct fixture *f, const char *payload)
{
	assert_int_equal(read_again(f), STATE_READ);
	assert_true(view_is(f->state.payload, payload));
}

static void write_raw(const char *path, struct view content)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, content.at, content.length), (ssize_t)content.length);
	close(fd);
}

static void what_is_written_is_read(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	assert_int_equal(read_again(f), STATE_NONE);
	assert_true(state_write(f->path, kind, VIEW("first"), &f->why));
	assert_holds(f, "first");
	assert_in_range(f->state.written, clock_wall_seconds() - 60, clock_wall_seconds());
	assert_true(state_write(f->path, kind, VIEW(""), &f->why));
	assert_holds(f, "");
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(access(f->temporary, F_OK), -1);
}

static void pieces_make_one_payload(void **state)
{
	struct fixture *f = *state;
	struct state_writer *w = state_write_begin(f->path, kind, &f->why);
	static char piece[4099];
	for (size_t i = 0; i < sizeof piece; i++)
		piece[i] = (char)(i * 31);
	for (int i = 0; i < 200; i++)
		state_write_add(w, (struct view){ piece, sizeof piece });
	assert_true(state_write_end(w, &f->why));
	assert_int_equal(read_again(f), STATE_READ);
	assert_int_equal(f->state.payload.length, 200 * sizeof piece);
	for (size_t i = 0; i < 200; i++)
		assert_memory_equal(f->state.payload.at + i * sizeof piece, piece, sizeof piece);
}

static void every_flipped_bit_is_found(void **state)
{
	struct fixture *f = *state;
	struct view good;
	assert_true(state_write(f->path, kind, VIEW("ten services and their slices"), &f->why));
	assert_int_equal(file_read(f->arena, f->path, LIMIT, &good), 0);
	char *damaged = arena_string(f->arena, good);
	for (size_t bit = 0; bit < 8 * good.length; bit++) {
		damaged[bit / 8] = (char)(damaged[bit / 8] ^ (1 << bit % 8));
		write_raw(f->path, (struct view){ damaged, good.length });
		assert_int_equal(read_again(f), STATE_REFUSED);
		assert_non_null(strstr(f->why.text, "damaged"));
		damaged[bit / 8] = good.at[bit / 8];
	}
	write_raw(f->path, good);
	assert_int_equal(read_again(f), STATE_READ);
}

static void files_cut_off_or_with_more_are_refused(void **state)
{
	struct fixture *f = *state;
	struct view good;
	assert_true(state_write(f->path, kind, VIEW("ten services and their slices"), &f->why));
	assert_int_equal(file_read(f->arena, f->path, LIMIT, &good), 0);
	for (size_t length = 0; length < good.length; length++) {
		write_raw(f->path, view_first(good, length));
		assert_int_equal(read_again(f), STATE_REFUSED);
	}
	write_raw(f->path, (struct view){ good.at, good.length + 1 });
	assert_int_equal(read_again(f), STATE_REFUSED);
}

static void other_kinds_versions_and_sizes_are_refused(void **state)
{
	struct fixture *f = *state;
	struct state_kind other = { "zones", 3 }, later = { "clusters", 4 };
	assert_true(state_write(f->path, kind, VIEW("0123456789"), &f->why));
	assert_int_equal(state_read(f->arena, f->path, other, LIMIT, &f->state, &f->why), STATE_REFUSED);
	assert_non_null(strstr(f->why.text, "something else"));
	assert_int_equal(state_read(f->arena, f->path, later, LIMIT, &f->state, &f->why), STATE_REFUSED);
	assert_non_null(strstr(f->why.text, "another version"));
	assert_int_equal(state_read(f->arena, f->path, kind, 9, &f->state, &f->why), STATE_REFUSED);
	assert_int_equal(state_read(f->arena, f->path, kind, 10, &f->state, &f->why), STATE_READ);
	assert_int_equal(state_read(f->arena, f->folder, kind, 10, &f->state, &f->why), STATE_REFUSED);
}

static void a_write_that_did_not_end_changes_nothing(void **state)
{
	struct fixture *f = *state;
	assert_true(state_write(f->path, kind, VIEW("before"), &f->why));
	pid_t pid = fork();
	if (pid == 0) {
		struct state_writer *w = state_write_begin(f->path, kind, &f->why);
		static char much[200000];
		state_write_add(w, (struct view){ much, sizeof much });
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(access(f->temporary, F_OK), 0);
	assert_holds(f, "before");
	assert_true(state_write(f->path, kind, VIEW("after"), &f->why));
	assert_holds(f, "after");
	state_write_abandon(state_write_begin(f->path, kind, &f->why));
	assert_int_equal(access(f->temporary, F_OK), -1);
	assert_holds(f, "after");
}

/* Whenever the writer is killed, one of its versions is there, whole. */
static void killed_at_any_time_one_version_is_there(void **state)
{
	struct fixture *f = *state;
	static char payload[150000];
	assert_true(state_write(f->path, kind, (struct view){ payload, sizeof payload }, &f->why));
	for (int round = 0; round < 20; round++) {
		pid_t pid = fork();
		if (pid == 0) {
			for (uint8_t i = 1;; i++) {
				memset(payload, i, sizeof payload);
				state_write(f->path, kind, (struct view){ payload, sizeof payload }, &f->why);
			}
		}
		usleep(1000 + 700u * (unsigned)round);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		assert_int_equal(read_again(f), STATE_READ);
		assert_int_equal(f->state.payload.length, sizeof payload);
		for (size_t i = 1; i < sizeof payload; i++)
			assert_int_equal(f->state.payload.at[i], f->state.payload.at[0]);
		arena_reset(f->arena);
	}
}

static void a_full_disk_keeps_what_was_there(void **state)
{
	struct fixture *f = *state;
	static char much[300000];
	struct rlimit old, small = { 100000, 100000 };
	assert_true(state_write(f->path, kind, VIEW("before"), &f->why));
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_false(state_write(f->path, kind, (struct view){ much, sizeof much }, &f->why));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_non_null(strstr(f->why.text, "file too large"));
	assert_int_equal(access(f->temporary, F_OK), -1);
	assert_holds(f, "before");
}

static void a_folder_that_is_not_there_is_said(void **state)
{
	struct fixture *f = *state;
	assert_false(state_write("/tmp/isthmus-no-such-folder/state", kind, VIEW("x"), &f->why));
	assert_non_null(strstr(f->why.text, "no such file or directory"));
}

static void one_writer_at_a_time(void **state)
{
	struct fixture *f = *state;
	struct state_writer *w = state_write_begin(f->path, kind, &f->why);
	state_write_add(w, VIEW("first"));
	assert_false(state_write(f->path, kind, VIEW("second"), &f->why));
	assert_true(state_write_end(w, &f->why));
	assert_holds(f, "first");
	assert_true(state_write(f->path, kind, VIEW("second"), &f->why));
	assert_holds(f, "second");
}

static void write_on_a_loop(void *data)
{
	struct fixture *f = data;
	for (int i = 0; i < 3; i++)
		assert_true(state_write(f->path, kind, VIEW("by a fiber"), &f->why));
	loop_stop(loop_current());
	assert_true(state_write(f->path, kind, VIEW("by a fiber of a loop that ends"), &f->why));
}

static void fibers_wait_for_the_disk(void **state)
{
	struct fixture *f = *state;
	struct loop *l = loop_new(0);
	fiber_spawn(l, write_on_a_loop, f);
	loop_run(l);
	loop_free(l);
	assert_holds(f, "by a fiber of a loop that ends");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_written_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(pieces_make_one_payload, setup, teardown),
		cmocka_unit_test_setup_teardown(every_flipped_bit_is_found, setup, teardown),
		cmocka_unit_test_setup_teardown(files_cut_off_or_with_more_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(other_kinds_versions_and_sizes_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_write_that_did_not_end_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(killed_at_any_time_one_version_is_there, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_disk_keeps_what_was_there, setup, teardown),
		cmocka_unit_test_setup_teardown(a_folder_that_is_not_there_is_said, setup, teardown),
		cmocka_unit_test_setup_teardown(one_writer_at_a_time, setup, teardown),
		cmocka_unit_test_setup_teardown(fibers_wait_for_the_disk, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
