/*
 * Log lines: "[LEVEL] text" or "[LEVEL] plugin/NAME: text" on standard output, no time stamp, as CoreDNS has them.
 *
 * A worker never waits for the reader of the log: its lines go into a ring of its own, which a writer thread
 * empties; a full ring drops lines and counts them. Before log_start() and in single-threaded programs (tests,
 * `check`) lines are written at once.
 */
#ifndef ISTHMUS_BASE_LOG_H
#define ISTHMUS_BASE_LOG_H

#include "base/view.h"

enum log_level {
	LOG_DEBUG,
	LOG_INFO,
	LOG_WARNING,
	LOG_ERROR,
	LOG_FATAL,
};

/* One line; `plugin` is the plugin's name, or NULL for the server itself. */
void log_line(enum log_level level, const char *plugin, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A line without a level in front. */
void log_bare(struct view line);

#define log_debug(...) (log_debug_on() ? log_line(LOG_DEBUG, NULL, __VA_ARGS__) : (void)0)
#define log_info(...) log_line(LOG_INFO, NULL, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, NULL, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, NULL, __VA_ARGS__)

/* Whether any server block has `debug`; set by the configuration that goes live. */
bool log_debug_on(void);
void log_debug_set(bool on);

/* A debug line, and below it the octets in lines that text2pcap reads: "debug: 000000 0a 1b ...". Of more than 8,000 the first. */
void log_octets(struct view octets, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Starts the writer thread: from now on log_line() never blocks. */
void log_start(void);

/* Writes what is left and ends the writer thread. */
void log_stop(void);

/* Lines dropped so far because a ring was full. */
uint64_t log_dropped(void);

#endif
