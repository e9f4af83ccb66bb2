/* Metrics: the page to the letter, and counting in several threads at once. */
#include "test.h"

#include "base/float.h"
#include "base/metrics.h"
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>

enum { THREADS = 5 };

static void check_float(double value, const char *general, const char *decimal)
{
	char short_text[FLOAT_TEXT_MAX], long_text[FLOAT_DECIMAL_MAX];
	assert_int_equal(float_print(value, short_text), strlen(general));
	assert_string_equal(short_text, general);
	assert_int_equal(float_print_decimal(value, long_text), strlen(decimal));
	assert_string_equal(long_text, decimal);
}

static void test_floats(void **state)
{
	(void)state;
	check_float(0, "0", "0");
	check_float(1, "1", "1");
	check_float(100000, "100000", "100000");
	check_float(1e6, "1e+06", "1000000");
	check_float(1234567, "1.234567e+06", "1234567");
	check_float(0.00025, "0.00025", "0.00025");
	check_float(0.0001, "0.0001", "0.0001");
	check_float(2.5e-5, "2.5e-05", "0.000025");
	check_float(123456.789, "123456.789", "123456.789");
	check_float(0.1, "0.1", "0.1");
	check_float(-2.5, "-2.5", "-2.5");
	check_float(1e22, "1e+22", "10000000000000000000000");
	check_float(0.000284081, "0.000284081", "0.000284081");
	check_float(0.1 + 0.2, "0.30000000000000004", "0.30000000000000004");
	char text[FLOAT_DECIMAL_MAX];
	float_print(INFINITY, text);
	assert_string_equal(text, "+Inf");
	float_print(-INFINITY, text);
	assert_string_equal(text, "-Inf");
	float_print(NAN, text);
	assert_string_equal(text, "NaN");
	assert_int_equal(float_print(-DBL_MAX, text), strlen("-1.7976931348623157e+308"));
	assert_int_equal(float_print_decimal(DBL_TRUE_MIN, text), 326);
}

static const struct metric_family requests = { "test_requests_total", "Counter of \\ and\nlines.",
	METRIC_COUNTER, { "server", "zone", "family" } };
static const struct metric_family entries = { "test_entries", "Entries.", METRIC_GAUGE };
static const double size_buckets[] = { 0, 0.00025, 100, 1023 };
static const struct metric_family sizes = { "test_size_bytes", "Sizes.", METRIC_HISTOGRAM,
	{ "proto" }, size_buckets, 4 };
static const struct metric_family enabled = { "test_enabled", "Enabled.", METRIC_GAUGE,
	{ "name" } };
static const struct metric_family unused = { "test_a_unused", "Never.", METRIC_COUNTER, { "x" } };

static void set_entries(void *value)
{
	metric_set(metric_get(&entries, NULL), *(double *)value);
}

static void check_page(const char *expected)
{
	struct text page = { 0 };
	metrics_write(&page);
	assert_string_equal(page.at ? page.at : "", expected);
	text_free(&page);
}

static void test_page(void **state)
{
	(void)state;
	(void)unused;
	double value = 1e6;
	metrics_on_collect(set_entries, &value);
	struct view first[] = { VIEW("dns://:53"), VIEW("b.example."), VIEW("1") };
	struct view second[] = { VIEW("dns://:53"), VIEW("a\"\\\n."), VIEW("2") };
	metric_add(metric_get(&requests, second), 1);
	metric_add(metric_get(&requests, first), 41);
	metric_add(metric_get(&requests, first), 1);
	assert_ptr_equal(metric_get(&requests, first), metric_get(&requests, first));
	struct metric *size = metric_get(&sizes, (struct view[]){ VIEW("udp") });
	metric_observe(size, 0);
	metric_observe(size, 100);
	metric_observe(size, 100.5);
	metric_observe(size, 5000);
	assert_true(metric_value(size) == 4);
	check_page(
		"# HELP test_entries Entries.\n"
		"# TYPE test_entries gauge\n"
		"test_entries 1e+06\n"
		"# HELP test_requests_total Counter of \\\\ and\\nlines.\n"
		"# TYPE test_requests_total counter\n"
		"test_requests_total{family=\"1\",server=\"dns://:53\",zone=\"b.example.\"} 42\n"
		"test_requests_total{family=\"2\",server=\"dns://:53\",zone=\"a\\\"\\\\\\n.\"} 1\n"
		"# HELP test_size_bytes Sizes.\n"
		"# TYPE test_size_bytes histogram\n"
		"test_size_bytes_bucket{proto=\"udp\",le=\"0\"} 1\n"
		"test_size_bytes_bucket{proto=\"udp\",le=\"0.00025\"} 1\n"
		"test_size_bytes_bucket{proto=\"udp\",le=\"100\"} 2\n"
		"test_size_bytes_bucket{proto=\"udp\",le=\"1023\"} 3\n"
		"test_size_bytes_bucket{proto=\"udp\",le=\"+Inf\"} 4\n"
		"test_size_bytes_sum{proto=\"udp\"} 5200.5\n"
		"test_size_bytes_count{proto=\"udp\"} 4\n");
	metrics_on_collect_remove(set_entries, &value);
	metric_family_clear(&requests);
	metric_family_clear(&sizes);
	metric_family_clear(&entries);
	check_page("");
}

static void test_cleared_family_comes_back(void **state)
{
	(void)state;
	struct view hosts[] = { VIEW("hosts") }, cache[] = { VIEW("cache") };
	struct metric *m = metric_get(&enabled, hosts);
	metric_set(m, 1);
	metric_set(metric_get(&enabled, cache), 1);
	metric_family_clear(&enabled);
	metric_set(m, 1);
	metric_set(metric_get(&enabled, cache), 3);
	check_page("# HELP test_enabled Enabled.\n# TYPE test_enabled gauge\n"
		   "test_enabled{name=\"cache\"} 3\n");
	metric_family_clear(&enabled);
}

enum { COUNTS = 100000, SERIES = 300 };

static const struct metric_family shared = { "test_shared_total", "Shared.", METRIC_COUNTER };
static const struct metric_family level = { "test_level", "Level.", METRIC_GAUGE };
static const struct metric_family many = { "test_many_total", "Many.", METRIC_COUNTER, { "n" } };

static void *count(void *shard)
{
	metrics_thread(*(unsigned *)shard);
	struct metric *m = metric_get(&shared, NULL), *g = metric_get(&level, NULL);
	struct metric *size = metric_get(&sizes, (struct view[]){ VIEW("tcp") });
	for (unsigned i = 0; i < COUNTS; i++) {
		metric_add(m, 1);
		metric_observe(size, i & 1);
		if (i % 100 == 0)
			metric_shift(g, i % 200 ? -1 : 2);
	}
	for (unsigned i = 0; i < SERIES; i++) {
		char number[8];
		snprintf(number, sizeof number, "%u", i);
		metric_add(metric_get(&many, (struct view[]){ view_of(number) }), 1);
	}
	return NULL;
}

static void test_threads_count_together(void **state)
{
	(void)state;
	pthread_t threads[THREADS];
	unsigned shards[THREADS];
	for (unsigned i = 0; i < THREADS; i++) {
		shards[i] = i;
		pthread_create(&threads[i], NULL, count, &shards[i]);
	}
	struct text page = { 0 };
	for (unsigned i = 0; i < 20; i++) {
		text_clear(&page);
		metrics_write(&page);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	text_clear(&page);
	metrics_write(&page);
	assert_non_null(strstr(page.at, "\ntest_shared_total 500000\n"));
	assert_non_null(strstr(page.at, "\ntest_level 2500\n"));
	assert_non_null(strstr(page.at, "test_size_bytes_bucket{proto=\"tcp\",le=\"0\"} 250000\n"));
	assert_non_null(strstr(page.at, "\ntest_size_bytes_sum{proto=\"tcp\"} 250000\n"));
	assert_non_null(strstr(page.at, "\ntest_size_bytes_count{proto=\"tcp\"} 500000\n"));
	assert_non_null(strstr(page.at, "\ntest_many_total{n=\"0\"} 5\n"));
	assert_non_null(strstr(page.at, "\ntest_many_total{n=\"299\"} 5\n"));
	text_free(&page);
}

int main(void)
{
	metrics_init(THREADS);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_floats),
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_cleared_family_comes_back),
		cmocka_unit_test(test_threads_count_together),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
