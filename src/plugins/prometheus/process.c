/* The process_* series, from /proc and the kernel's own accounting. */
#include "plugins/prometheus/process.h"

#include "base/clock.h"
#include "base/log.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define GAUGE(word, text, what)                                                                    \
	static const struct metric_family word = {                                                 \
		.name = text, .help = what, .kind = METRIC_GAUGE                                   \
	}

static const struct metric_family cpu_seconds = {
	.name = "process_cpu_seconds_total",
	.help = "Total user and system CPU time spent in seconds.",
	.kind = METRIC_COUNTER,
};
GAUGE(open_fds, "process_open_fds", "Number of open file descriptors.");
GAUGE(max_fds, "process_max_fds", "Maximum number of open file descriptors.");
GAUGE(virtual_bytes, "process_virtual_memory_bytes", "Virtual memory size in bytes.");
GAUGE(virtual_max_bytes, "process_virtual_memory_max_bytes",
	"Maximum amount of virtual memory available in bytes.");
GAUGE(resident_bytes, "process_resident_memory_bytes", "Resident memory size in bytes.");
GAUGE(start_time, "process_start_time_seconds",
	"Start time of the process since unix epoch in seconds.");

static const struct metric_family log_lines_dropped = {
	.name = "isthmus_log_lines_dropped_total",
	.help = "Counter of log lines that were dropped because the log was not read fast enough.",
	.kind = METRIC_COUNTER,
};

const struct metric_family *const process_families[] = { &cpu_seconds, &open_fds, &max_fds,
	&virtual_bytes, &virtual_max_bytes, &resident_bytes, &start_time, &log_lines_dropped,
	NULL };

static int memory_fd = -1; /* /proc/self/statm */
static DIR *descriptors;   /* /proc/self/fd */

static void set(const struct metric_family *family, double value)
{
	metric_set(metric_get(family, NULL), value);
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double limit(int resource)
{
	struct rlimit l;
	if (getrlimit(resource, &l) < 0)
		return 0;
	return l.rlim_cur == RLIM_INFINITY ? (double)UINT64_MAX : (double)l.rlim_cur;
}

static void collect_memory(void)
{
	char text[128];
	ssize_t n = memory_fd < 0 ? -1 : pread(memory_fd, text, sizeof text - 1, 0);
	if (n <= 0)
		return;
	text[n] = 0;
	char *end;
	double page = (double)sysconf(_SC_PAGESIZE);
	set(&virtual_bytes, (double)strtoull(text, &end, 10) * page);
	set(&resident_bytes, (double)strtoull(end, NULL, 10) * page);
}

static void collect_descriptors(void)
{
	if (!descriptors)
		return;
	unsigned count = 0;
	const struct dirent *e;
	rewinddir(descriptors);
	while ((e = readdir(descriptors)))
		count += e->d_name[0] != '.';
	set(&open_fds, count);
}

static void collect(void *unused)
{
	(void)unused;
	struct rusage used;
	if (getrusage(RUSAGE_SELF, &used) == 0)
		set(&cpu_seconds, seconds(used.ru_utime) + seconds(used.ru_stime));
	set(&max_fds, limit(RLIMIT_NOFILE));
	set(&virtual_max_bytes, limit(RLIMIT_AS));
	collect_memory();
	collect_descriptors();
	set(&log_lines_dropped, (double)log_dropped());
}

/* The system's start in seconds since 1970, as /proc/stat has it; 0 if it has none. */
static double boot_time(void)
{
	FILE *f = fopen("/proc/stat", "re");
	char line[256];
	double time = 0;
	while (f && time == 0 && fgets(line, sizeof line, f)) {
		if (strncmp(line, "btime ", 6) == 0)
			time = (double)strtoull(line + 6, NULL, 10);
	}
	if (f)
		fclose(f);
	return time;
}

/* Field 22 of /proc/self/stat, in ticks since the system's start; the name before it may hold
 * anything but a last ')'. */
static double process_start(void)
{
	FILE *f = fopen("/proc/self/stat", "re");
	char line[1024] = "";
	if (!f)
		return 0;
	bool read = fgets(line, sizeof line, f) != NULL;
	fclose(f);
	const char *at = read ? strrchr(line, ')') : NULL;
	if (!at)
		return 0;
	struct view rest = view_of(at + 1), word = { "0", 1 };
	for (unsigned field = 3; field <= 22; field++)
		word = view_word(&rest);
	uint64_t ticks;
	if (!view_unsigned(word, UINT64_MAX, &ticks))
		return 0;
	return boot_time() + (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

void process_metrics_start(void)
{
	static bool started;
	if (started)
		return;
	started = true;
	memory_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	descriptors = opendir("/proc/self/fd");
	set(&start_time, process_start());
	metrics_on_collect(collect, NULL);
}
