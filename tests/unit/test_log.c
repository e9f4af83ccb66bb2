/* Log lines: their form, their order, and a log that nobody reads or that cannot be written. */
#include "test.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Standard output turned into a pipe for the time of a test. */
struct capture {
	int saved, read_end;
};

static struct capture capture_begin(void)
{
	struct capture c;
	int ends[2];
	fflush(stdout);
	assert_int_equal(pipe(ends), 0);
	c.saved = dup(STDOUT_FILENO);
	c.read_end = ends[0];
	dup2(ends[1], STDOUT_FILENO);
	close(ends[1]);
	return c;
}

static void capture_end(struct capture *c)
{
	dup2(c->saved, STDOUT_FILENO);
	close(c->saved);
	close(c->read_end);
}

/* What has been written up to now, or up to the pipe's end when `all`; NUL-terminated, to be freed.
 */
static char *capture_read(struct capture *c, bool all)
{
	size_t length = 0, capacity = 1 << 16;
	char *text = memory_alloc(capacity);
	if (!all)
		fcntl(c->read_end, F_SETFL, O_NONBLOCK);
	ssize_t n;
	while ((n = read(c->read_end, text + length, capacity - length - 1)) > 0) {
		length += (size_t)n;
		if (capacity - length < 4096)
			text = memory_resize(text, capacity *= 2, 1);
	}
	text[length] = 0;
	return text;
}

static void check_output(struct capture *c, const char *expected)
{
	char *text = capture_read(c, false);
	bool same = strcmp(text, expected) == 0;
	if (!same)
		fprintf(stderr, "got: %s", text);
	free(text);
	capture_end(c);
	assert_true(same);
}

static void write_each_kind(void)
{
	log_line(LOG_INFO, NULL, "plain %d", 1);
	log_line(LOG_WARNING, "health", "of a plugin");
	log_line(LOG_DEBUG, NULL, "hidden");
	log_debug_set(true);
	log_debug("shown");
	log_debug_set(false);
	log_error("bad");
	log_bare(VIEW("example.org.:53"));
}

static const char each_kind[] =
	"[INFO] plain 1\n[WARNING] plugin/health: of a plugin\n[DEBUG] shown\n"
	"[ERROR] bad\nexample.org.:53\n";

static void test_written_at_once_before_start(void **state)
{
	(void)state;
	struct capture c = capture_begin();
	write_each_kind();
	check_output(&c, each_kind);
}

static void test_octets_as_text2pcap_reads_them(void **state)
{
	(void)state;
	static const char octets[] = "0123456789abcdef\377";
	struct capture c = capture_begin();
	log_octets(VIEW(octets), "hidden");
	log_debug_set(true);
	log_octets((struct view){ octets, 17 }, "wrong reply %d", 7);
	log_debug_set(false);
	check_output(&c, "[DEBUG] wrong reply 7\n"
			 "debug: 000000 30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66\n"
			 "debug: 000010 ff\n"
			 "debug: 000011\n");
}

static void test_all_there_after_stop(void **state)
{
	(void)state;
	struct capture c = capture_begin();
	log_start();
	write_each_kind();
	log_stop();
	check_output(&c, each_kind);
}

static void test_fatal_is_out_when_it_returns(void **state)
{
	(void)state;
	struct capture c = capture_begin();
	log_start();
	log_info("first");
	log_line(LOG_FATAL, "loop", "end");
	char *text = capture_read(&c, false);
	log_stop();
	capture_end(&c);
	assert_string_equal(text, "[INFO] first\n[FATAL] plugin/loop: end\n");
	free(text);
}

static void test_line_comes_soon(void **state)
{
	(void)state;
	struct capture c = capture_begin();
	log_start();
	usleep(50000); /* the writer has gone to sleep */
	log_info("now");
	char line[32] = "";
	ssize_t n = read(c.read_end, line, sizeof line - 1);
	log_stop();
	capture_end(&c);
	assert_int_equal(n, 11);
	assert_string_equal(line, "[INFO] now\n");
}

static void test_long_lines(void **state)
{
	(void)state;
	static const size_t lengths[] = { 1000, 1015, 1016, 1017, 1018, 5000, 32000, 100000 };
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		char *word = memory_array(lengths[i] + 1, 1);
		memset(word, 'x', lengths[i]);
		struct capture c = capture_begin();
		log_info("%s", word);
		char *text = capture_read(&c, false);
		capture_end(&c);
		size_t expected = lengths[i] + 8 < 32768 ? lengths[i] + 8 : 32768;
		assert_int_equal(strlen(text), expected);
		assert_int_equal(text[expected - 1], '\n');
		free(text);
		free(word);
	}
}

enum { THREADS = 4, LINES = 2000 };

static void *write_lines(void *name)
{
	for (unsigned i = 0; i < LINES; i++) {
		log_info("%s %u", (const char *)name, i);
		if (i % 100 == 0)
			usleep(2000);
	}
	return NULL;
}

static void *read_all(void *capture)
{
	return capture_read(capture, true);
}

static void test_threads_keep_their_order(void **state)
{
	(void)state;
	struct capture c = capture_begin();
	uint64_t dropped = log_dropped();
	log_start();
	pthread_t reader, threads[THREADS];
	static char names[THREADS][2] = { "a", "b", "c", "d" };
	for (unsigned i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, write_lines, names[i]);
	pthread_create(&reader, NULL, read_all, &c);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	log_stop();
	dup2(c.saved, STDOUT_FILENO); /* the pipe's end for the reader */
	void *text;
	pthread_join(reader, &text);
	capture_end(&c);

	unsigned next[THREADS] = { 0 }, lines = 0;
	struct view rest = view_of(text), line;
	while (view_line(&rest, &line)) {
		char name;
		unsigned number;
		assert_int_equal(sscanf(line.at, "[INFO] %c %u", &name, &number), 2);
		assert_int_equal(number, next[name - 'a']);
		next[name - 'a']++;
		lines++;
	}
	free(text);
	assert_int_equal(lines, THREADS * LINES);
	assert_int_equal(log_dropped(), dropped);
}

static void test_log_that_nobody_reads_blocks_nobody(void **state)
{
	(void)state;
	struct capture c = capture_begin();
	uint64_t dropped = log_dropped();
	log_start();
	uint64_t begin = clock_now();
	for (unsigned i = 0; i < 20000; i++)
		log_info("a line of some length that fills the pipe and then the ring: %u", i);
	assert_true(clock_now() - begin < 2 * NS_PER_S);
	assert_true(log_dropped() > dropped);
	pthread_t reader;
	pthread_create(&reader, NULL, read_all, &c);
	log_stop();
	dup2(c.saved, STDOUT_FILENO); /* the pipe's end for the reader */
	void *text;
	pthread_join(reader, &text);
	capture_end(&c);
	assert_non_null(strstr(text, "log lines dropped"));
	free(text);
}

static void test_closed_pipe_and_full_disk(void **state)
{
	(void)state;
	struct capture c = capture_begin();
	close(c.read_end);
	c.read_end = open("/dev/null", O_RDONLY);
	log_start();
	log_info("nobody is there");
	log_line(LOG_FATAL, NULL, "still nobody");
	int full = open("/dev/full", O_WRONLY);
	assert_true(full >= 0);
	dup2(full, STDOUT_FILENO);
	close(full);
	log_line(LOG_FATAL, NULL, "no room");
	log_stop();
	capture_end(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written_at_once_before_start),
		cmocka_unit_test(test_octets_as_text2pcap_reads_them),
		cmocka_unit_test(test_all_there_after_stop),
		cmocka_unit_test(test_fatal_is_out_when_it_returns),
		cmocka_unit_test(test_line_comes_soon),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_threads_keep_their_order),
		cmocka_unit_test(test_log_that_nobody_reads_blocks_nobody),
		cmocka_unit_test(test_closed_pipe_and_full_disk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
