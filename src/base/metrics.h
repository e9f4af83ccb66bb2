/*
 * Metrics: one registry for the process, that outlives a reload; values sharded by thread, so that counting is a
 * plain add to memory nobody else writes.
 *
 * A family (name, help, label names) has one series for each set of label values. A plugin gets its series once,
 * when it is set up or on first use, and keeps the pointer: looking a series up takes a lock, adding to it does not.
 * Series are never freed.
 */
#ifndef ISTHMUS_BASE_METRICS_H
#define ISTHMUS_BASE_METRICS_H

#include "base/text.h"
#include "base/view.h"

enum metric_kind {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_HISTOGRAM,
};

enum { METRIC_LABELS_MAX = 8 };

/* What a plugin declares as a static constant; labels and buckets end with NULL and by count. */
struct metric_family {
	const char *name, *help;
	enum metric_kind kind;
	const char *labels[METRIC_LABELS_MAX + 1];
	const double *buckets; /* histogram: upper bounds, ascending, without +Inf */
	size_t bucket_count;
};

struct metric; /* one series */

/* Says how many threads will count; called once before any of them exists. Shard 0 is the control thread's. */
void metrics_init(unsigned threads);

/* Sets the calling thread's shard: 0 for control, 1.. for workers. */
void metrics_thread(unsigned shard);

/* The series of these label values (as many as the family has labels), made at its first use with value 0. */
struct metric *metric_get(const struct metric_family *family, const struct view *values);

/* Adds to a counter. */
void metric_add(struct metric *m, uint64_t n);

/* Sets a gauge (not sharded: the last value set by any thread counts), or what a counter has beside what was added to it: for
 * counts that are kept elsewhere and read when a page is written. */
void metric_set(struct metric *m, double value);

/* Adds to a gauge, n may be negative. */
void metric_shift(struct metric *m, double n);

/* Adds one observation to a histogram. */
void metric_observe(struct metric *m, double value);

/* The counter's sum over all threads (gauge: its value; histogram: its count). */
double metric_value(const struct metric *m);

/* Forgets every series of a family, as `plugin_enabled` needs at a reload. Pointers to them stay valid, unseen. */
void metric_family_clear(const struct metric_family *family);

/* Calls collect(data) before each page is written, to set gauges that are derived (entries, RSS, ages). */
void metrics_on_collect(void (*collect)(void *data), void *data);
void metrics_on_collect_remove(void (*collect)(void *data), void *data);

/* The page in the text format 0.0.4: families by name, series by labels. Any thread. */
void metrics_write(struct text *page);

/* CoreDNS's time buckets: 0.00025 * 2^k, k = 0..15. */
extern const double metric_time_buckets[16];

#endif
