/* The plugin's configuration, as set-up makes it and queries use it: immutable once live. */
#ifndef ISTHMUS_PLUGINS_TEMPLATE_TEMPLATE_H
#define ISTHMUS_PLUGINS_TEMPLATE_TEMPLATE_H

#include "plugins/template/gotemplate.h"
#include "server/expression/expression.h"
#include "server/plugin.h"
#include "server/regex.h"

enum {
	TEMPLATE_PATTERNS_MAX = 256,
	TEMPLATE_EXPRESSIONS_MAX = 256,
	TEMPLATE_SERIES_REMEMBERED = 16,
};

/* The records of one section, in their order. */
struct template_records {
	struct gotemplate **records;
	size_t count, capacity;
};

/* One directive. */
struct template
{
	struct template *next;
	uint16_t class, type, rcode;
	struct name *zones;
	struct view *zone_texts;
	size_t zone_count;
	struct regex *patterns[TEMPLATE_PATTERNS_MAX]; /* none: everything matches */
	size_t pattern_count;
	struct template_records sections[SECTION_COUNT];
	struct expression_variable variables[TEMPLATE_EXPRESSIONS_MAX];
	struct expression *variable_values[TEMPLATE_EXPRESSIONS_MAX];
	size_t variable_count;
	struct expression *conditions[TEMPLATE_EXPRESSIONS_MAX];
	size_t condition_count;
	struct fallthrough fallthrough;
	bool has_error; /* an extended error goes with the reply */
	uint16_t error_code;
	struct view error_text;
};

struct template_state {
	struct template *templates, *newest; /* `newest`: whose block is being read */
};

/* What a worker remembers of the series it counts in: looking one up takes a lock. */
struct template_worker {
	struct template_series {
		const struct template *template;
		const struct listener *listener;
		const char *zone;
		uint16_t class, type;
		struct metric *metric;
	} series[TEMPLATE_SERIES_REMEMBERED];
	unsigned next;
};

/* setup.c: reading a directive. */
bool template_setup(struct setup *s);
extern const struct option template_options[];

/* serve.c: answering. */
int template_serve(struct plugin *self, struct query *q);
extern const struct metric_family *const template_metrics[];

#endif
