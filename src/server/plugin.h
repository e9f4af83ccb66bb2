/*
 * What a plugin is: its directive (a table that the parser, `check`, `plugins` and docs/plugins are made from), how it
 * is set up from a Corefile, and what it does with a query. One file or folder a plugin; order.def lists them.
 */
#ifndef ISTHMUS_SERVER_PLUGIN_H
#define ISTHMUS_SERVER_PLUGIN_H

#include "base/log.h"
#include "base/metrics.h"
#include "server/corefile.h"
#include "server/query.h"

struct config;
struct setup;

/* One option inside a directive's block. */
struct option {
	const char *name;      /* the word; "*" takes every word that no other option has */
	const char *arguments; /* as documentation shows them: "DURATION", "ZONES...", "[CA] | [CERT KEY]"; NULL: none */
	const char *fallback;  /* the default, as text; NULL: off or none */
	const char *help;      /* one sentence */
	/* Reads the arguments by arg_next() and its like into the state. False after setup_error(). NULL: a switch without
	 * arguments whose bool stands at `offset` of the state. */
	bool (*read)(struct setup *s);
	size_t offset;
};

/* What foresee() is told of a query. Nothing of it was checked. */
struct foreseen {
	struct name name; /* in any case, of any zone */
	uint16_t type, class;
	bool wants_dnssec, checking_disabled; /* DO and CD */
};

enum { FORESEEN_MAX = 16 }; /* questions at once */

/* Takes records one by one. */
struct record_sink {
	/* Copies what it keeps; may wait. False: no more are wanted. */
	bool (*add)(struct record_sink *to, const struct record *r);
};

enum transfer_outcome {
	TRANSFER_NOT_SERVED, /* not a zone of this plugin */
	TRANSFER_NOT_LOADED,
	TRANSFER_DONE,
	TRANSFER_STOPPED,    /* `to` wanted no more */
};


struct plugin_type {
	const char *name;
	const char *arguments; /* what may follow the directive's name, as documentation shows it; NULL: nothing may */
	const char *help;      /* one sentence: what it does */
	const char *about;     /* more, for documentation: paragraphs split by empty lines; may be NULL */
	const struct option *options; /* ended by one without a name; NULL: no block */
	const struct metric_family *const *metrics; /* ended by NULL: for documentation */
	size_t state_size;     /* of plugin->state, zeroed in the configuration's arena */
	size_t worker_size;    /* of each worker's own state, zeroed */
	bool once;             /* a second occurrence in a block is an error */
	bool each_line;        /* every occurrence is an instance of its own, in the order of the file (forward) */

	/* Sets defaults, before the first occurrence is read. */
	void (*init)(struct setup *s);
	/* Reads the words of one occurrence's line; the block is then read by `options`. NULL: no arguments allowed, unless
	 * `arguments` says otherwise. */
	bool (*setup)(struct setup *s);
	/* After the last occurrence: checks that need the whole, opens files. */
	bool (*finish)(struct setup *s);
	/* Control thread, when the configuration goes live (at the start and at each reload): opens endpoints, starts tasks.
	 * False with the reason by start_error(): the start (reload) fails. `before` is the same block's instance in the
	 * configuration that is being replaced, or NULL. */
	bool (*start)(struct plugin *self, struct plugin *before);
	/* Control thread: the configuration is live and its listeners serve; after the zones of the banner were printed. */
	void (*started)(struct plugin *self);
	/* Control thread: the configuration is being replaced or the process ends; tasks have been told to end. */
	void (*stop)(struct plugin *self);
	/* Control thread, at SIGTERM before anything is stopped: may wait (lameduck). */
	void (*shutdown)(struct plugin *self);
	/* A worker's thread: before its first query, and after its last. */
	void (*worker_start)(struct plugin *self, void *worker_state);
	void (*worker_stop)(struct plugin *self, void *worker_state);

	/* Answers, passes on by next(), or refuses by query_fail(). Gives the rcode. NULL: takes no part in the chain. */
	int (*serve)(struct plugin *self, struct query *q);
	/* A worker's thread, before it answers a batch: these are about to be asked. Fetches what that takes into the CPU's
	 * cache, and does nothing else. NULL: there is nothing to fetch. */
	void (*foresee)(struct plugin *self, const struct foreseen *questions, unsigned count);
	/* For `explain`, after serve(): where the data that it has for q->name comes from, and how old it is, as text in the query's
	 * arena: "zone example.org. from db.example.org, serial 7". NULL from it: there is none. */
	const char *(*source)(const struct plugin *self, struct query *q);
	/* Whether the block takes this query at all (view). */
	bool (*filter)(struct plugin *self, struct query *q);
	/* Sets metadata; run before filters when the block has `metadata`. */
	void (*metadata)(struct plugin *self, struct query *q);
	/* Whether it is ready, for `ready`; NULL: always. Control thread. */
	bool (*ready)(struct plugin *self);
	/* What whoever asks whether it is ready should know beside that it is; NULL: nothing. Control thread. */
	const char *(*remark)(struct plugin *self);
	/* The search path of the query's client (autopath): names in lower case, the root for the name as it is. Gives how many,
	 * at most `room`; 0: it has none. NULL: the plugin knows no paths. */
	size_t (*search_path)(struct plugin *self, struct query *q, struct name *to, size_t room);
	/* Gives all records of exactly this zone to `to`, SOA first (and not once more at the end): for transfers. A worker's thread;
	 * may wait wherever `to` does. NULL: the plugin has no whole zones. */
	enum transfer_outcome (*transfer)(struct plugin *self, struct name zone, struct record_sink *to);
	/* Control thread: a zone of `from`, another plugin of the block, has changed (transfer). */
	void (*zone_changed)(struct plugin *self, const struct plugin *from, struct name zone);
	/* The longest of the zones that the plugin finds while it runs (auto) above qname, for the label `zone` of metrics; good
	 * for as long as the query. False if there is none. NULL: all of the plugin's zones stand in the Corefile. */
	bool (*zone_above)(struct plugin *self, struct name qname, struct name *zone);
};

/* A plugin in one server block. Immutable once live, but for what its state says of itself. */
struct plugin {
	const struct plugin_type *type;
	struct plugin *next;       /* in the chain; NULL at its end */
	struct plugin *sibling;    /* all instances of the block, handlers or not, in order */
	struct block *block;
	void *state;
	void **worker_states;      /* by query->worker */
	unsigned position;         /* in order.def */
};

/* Defines the plugin: PLUGIN(whoami) = { .name = "whoami", .serve = ... }; `.name` is the word in a Corefile. */
#define PLUGIN(word) const struct plugin_type plugin_##word

/* Passes the query on. Gives what the next plugin gave; SERVFAIL when there is none. */
int next(struct plugin *self, struct query *q);

/* This worker's own state of the plugin. */
static inline void *worker_state(const struct plugin *self, const struct query *q)
{
	return self->worker_states[q->worker];
}

/* --- the block a plugin stands in --- */

/* Zones of the block: its keys, CIDRs expanded. */
size_t block_zones(const struct block *b, const struct name **zones);

/* `path` joined to the block's `root`, if it is relative. */
const char *block_path(const struct block *b, struct arena *a, struct view path);

/* The instance of another plugin in the same block, NULL if it is not named there (the first, where there are several). */
struct plugin *block_plugin(const struct block *b, const char *name);

/* Tells the block's plugins that a zone of this one has changed, or is there: secondaries are notified. Control thread. */
void zone_changed(const struct plugin *self, struct name zone);

/* The name of the server in logs and metrics for this query: "dns://:53", "dns://127.0.0.1:1053". */
struct view query_server(const struct query *q);

/* The view's name of the query's block; empty without one. */
struct view query_view(const struct query *q);

/* The longest of `zones` that qname is under; false if none is. */
bool zones_match(const struct name *zones, size_t count, struct name qname, struct name *zone);

/* --- set-up: words of the directive, one after the other --- */

/* What setup(), finish() and options' read() work with. */
struct setup {
	struct plugin *self;
	struct block *block;
	struct arena *arena; /* the configuration's: lives until it is replaced */
	void *state;         /* self->state */
	const struct directive *directive;
	size_t at;           /* words[at] is the last word read */
	struct complaints *complaints;
	bool checking;       /* `isthmus check`: read and complain, but open nothing that is not the Corefile's */
};

/* The next word of the same line, also "{"; false at the line's end. */
bool arg_next(struct setup *s, struct view *word);

/* As arg_next, but an argument error when there is none. */
bool arg_need(struct setup *s, struct view *word);

/* True if the line has no further word (before "{"); an argument error if it has. */
bool arg_end(struct setup *s);

/* All words up to the line's end or "{", in the arena; gives how many. */
size_t args_rest(struct setup *s, struct view **words);

/* The same words as one text with a blank between them, in the arena: an expression. */
struct view args_joined(struct setup *s);

/* The next word as a whole number, a duration (CoreDNS's form, in ns; may be negative), with CoreDNS's error texts. */
bool arg_integer(struct setup *s, int64_t *n);
bool arg_unsigned(struct setup *s, uint32_t *n);
bool arg_duration(struct setup *s, int64_t *ns);

/* Reads "1h20m", "0.5s", "0" as CoreDNS does; false with *why (in the arena) as CoreDNS words it. */
bool duration_parse(struct arena *a, struct view text, int64_t *ns, const char **why);

/* As CoreDNS prints durations: "5s", "1m0s", "100ms". */
const char *duration_print(struct arena *a, int64_t ns);

/* What these words stand for as zones, CIDRs expanded; a word that is no zone stands for none, with a warning. */
void words_zones(struct setup *s, const struct view *words, size_t words_count, struct name **zones, size_t *count);

/* The rest of the line as zones; the block's zones when there are no words. */
bool args_zones(struct setup *s, struct name **zones, size_t *count);

/* `fallthrough [ZONES...]`: where a plugin passes on what it has no answer for. Zeroed: nowhere. */
struct fallthrough {
	struct name *zones;
	size_t count;
};
bool args_fallthrough(struct setup *s, struct fallthrough *f);
bool fallthrough_applies(const struct fallthrough *f, struct name qname);

/* An error at the word last read: "Corefile:3 - Error during parsing: ...". Always gives false. */
bool setup_error(struct setup *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* An error without a place in CoreDNS's words (the place is kept for `check`). Always gives false. */
bool setup_error_plain(struct setup *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* "Wrong argument count or unexpected line ending after 'X'". Always gives false. */
bool setup_argument_error(struct setup *s);

/* The plugin is about to read a secret, or will while it runs (keys, tokens, passwords): no core of the process is written. */
void setup_secret(const struct setup *s);

/* A warning for `check`, and for the log at start. */
void setup_warning(struct setup *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Why start() fails. Always gives false. */
bool start_error(struct plugin *self, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* --- the control thread --- */

/* Starts a task of the plugin on the control thread: from start(), or later from any thread that serves a query. The
 * configuration is not freed before the task has ended; it must end soon after task_sleep() or another wait says so. */
void task_start(struct plugin *self, void (*run)(struct plugin *self, void *data), void *data);

/* Sleeps; false when the task is to end. */
bool task_sleep(struct plugin *self, uint64_t ns);

/* A log line of the plugin: "[INFO] plugin/NAME: ...". */
#define plugin_info(self, ...) log_line(LOG_INFO, (self)->type->name, __VA_ARGS__)
#define plugin_warning(self, ...) log_line(LOG_WARNING, (self)->type->name, __VA_ARGS__)
#define plugin_error(self, ...) log_line(LOG_ERROR, (self)->type->name, __VA_ARGS__)

#endif
