/* Finding the template that matches a query, and writing its records. */
#include "plugins/template/data.h"
#include "plugins/template/template.h"

#include "dns/zonefile.h"
#include "server/listener.h"

enum { UDP_SIZE_OF_ERROR = 4096 };

/* Whether a template takes the query; when it does not, where to go from here. */
enum match_result {
	MATCH,
	MATCH_NEXT, /* the next template, and behind the last the next plugin */
	MATCH_FAIL, /* SERVFAIL */
};

/* --- metrics --- */

static const struct metric_family matches_total = {
	.name = "coredns_template_matches_total",
	.help = "Counter of template regex matches.",
	.labels = { "server", "zone", "view", "class", "type" },
};

static const struct metric_family template_failures_total = {
	.name = "coredns_template_template_failures_total",
	.help = "Counter of go template failures.",
	.labels = { "server", "zone", "view", "class", "type", "section", "template" },
};

static const struct metric_family rr_failures_total = {
	.name = "coredns_template_rr_failures_total",
	.help = "Counter of mis-templated RRs.",
	.labels = { "server", "zone", "view", "class", "type", "section", "template" },
};

const struct metric_family *const template_metrics[] = { &matches_total, &template_failures_total,
	&rr_failures_total, NULL };

static struct metric *match_series(const struct template_data *d)
{
	const struct query *q = d->query;
	return metric_get(&matches_total, (struct view[]){ query_server(q), d->zone, query_view(q),
						  view_of(d->class), view_of(d->type) });
}

static void count_match(
	struct template_worker *w, const struct template *t, const struct template_data *d)
{
	const struct query *q = d->query;
	struct template_series key = { t, q->listener, d->zone.at, query_class(q), query_type(q),
		NULL };
	for (size_t i = 0; i < TEMPLATE_SERIES_REMEMBERED; i++) {
		const struct template_series *s = &w->series[i];
		if (s->template == t && s->listener == key.listener && s->zone == key.zone &&
			s->class == key.class && s->type == key.type) {
			metric_add(s->metric, 1);
			return;
		}
	}
	key.metric = match_series(d);
	w->series[w->next++ % TEMPLATE_SERIES_REMEMBERED] = key;
	metric_add(key.metric, 1);
}

/* Failures are mistakes in the Corefile: seldom, so that looking their series up may take a lock.
 */
static void count_failure(const struct metric_family *family, const struct template_data *d,
	const char *section, const struct gotemplate *t)
{
	const struct query *q = d->query;
	metric_add(metric_get(family, (struct view[]){ query_server(q), d->zone, query_view(q),
					      view_of(d->class), view_of(d->type), view_of(section),
					      gotemplate_source(t) }),
		1);
}

/* --- matching --- */

static struct view zone_text(const struct template *t, struct name zone)
{
	for (size_t i = 0; i < t->zone_count; i++) {
		if (t->zones[i].octets == zone.octets)
			return t->zone_texts[i];
	}
	return VIEW("");
}

/* The mnemonic in the arena; empty for what has none. */
static const char *mnemonic(struct arena *arena, const char *text, const char *numbered)
{
	if (strncmp(text, numbered, strlen(numbered)) == 0)
		return "";
	return arena_string(arena, view_of(text));
}

/* Of a query for ANY the template's own class and type count. */
static void name_class_and_type(const struct template *t, struct template_data *d)
{
	const struct query *q = d->query;
	char room[MNEMONIC_MAX];
	uint16_t class = query_class(q) == CLASS_ANY ? t->class : query_class(q);
	uint16_t type = query_type(q) == TYPE_ANY ? t->type : query_type(q);
	d->class = mnemonic(q->arena, class_print(class, room), "CLASS");
	d->type = mnemonic(q->arena, type_print(type, room), "TYPE");
}

/* The groups of a match as the values .Match and .Group. */
static void keep_groups(struct template_data *d, const struct regex *r, const struct view *groups)
{
	struct arena *arena = d->query->arena;
	size_t count = 1 + (r ? regex_groups(r) : 0), pairs = 0;
	struct value *match = arena_array(arena, count, sizeof *match);
	struct value *map = arena_array(arena, 4 * count, sizeof *map);
	for (size_t i = 0; i < count; i++) {
		match[i] = value_text(groups[i].at ? groups[i] : VIEW(""));
		map[2 * pairs] = value_text(view_of(arena_printf(arena, "%zu", i)));
		map[2 * pairs++ + 1] = match[i];
		struct view name = i ? regex_group_name(r, i) : VIEW("");
		if (name.length == 0)
			continue;
		map[2 * pairs] = value_text(name);
		map[2 * pairs++ + 1] = match[i];
	}
	d->match = value_array(match, count);
	d->group = value_map(map, pairs);
}

static bool match_name(const struct template *t, struct template_data *d)
{
	d->name = view_of(name_text(d->query->arena, d->query->name));
	if (t->pattern_count == 0) {
		d->regex = VIEW(".*");
		keep_groups(d, NULL, &d->name);
		return true;
	}
	for (size_t i = 0; i < t->pattern_count; i++) {
		struct view *groups = regex_captures_all(t->patterns[i], d->query->arena, d->name);
		if (!groups)
			continue;
		d->regex = regex_pattern(t->patterns[i]);
		keep_groups(d, t->patterns[i], groups);
		return true;
	}
	return false;
}

/* The template's variables as the map .Var, and as what its conditions see. False when one of them
 * fails. */
static bool set_variables(const struct template *t, struct template_data *d, struct value *values)
{
	struct value *pairs = arena_array(d->query->arena, 2 * t->variable_count, sizeof *pairs);
	struct expression_input input = { d->query, values, &d->group };
	const char *why;
	for (size_t i = 0; i < t->variable_count; i++) {
		if (!expression_run(t->variable_values[i], &input, &values[i], &why)) {
			query_why(d->query, "the variable %.*s fails: %s",
				VIEW_ARGS(t->variables[i].name), why);
			return false;
		}
		pairs[2 * i] = value_text(t->variables[i].name);
		pairs[2 * i + 1] = values[i];
	}
	d->variables = value_map(pairs, t->variable_count);
	return true;
}

static enum match_result unmatched(const struct template *t, const struct query *q)
{
	return fallthrough_applies(&t->fallthrough, q->name) ? MATCH_NEXT : MATCH_FAIL;
}

static enum match_result check_conditions(const struct template *t, struct template_data *d)
{
	struct value *values = arena_array(d->query->arena, t->variable_count, sizeof *values);
	struct expression_input input = { d->query, values, &d->group };
	if (!set_variables(t, d, values))
		return MATCH_FAIL;
	for (size_t i = 0; i < t->condition_count; i++) {
		struct value v;
		const char *why;
		if (!expression_run(t->conditions[i], &input, &v, &why)) {
			query_why(d->query, "the expression '%.*s' fails: %s",
				VIEW_ARGS(expression_text(t->conditions[i])), why);
			return MATCH_FAIL;
		}
		if (v.kind != VALUE_BOOL || !v.boolean) {
			query_why(d->query, "the expression '%.*s' does not hold",
				VIEW_ARGS(expression_text(t->conditions[i])));
			return unmatched(t, d->query);
		}
	}
	return MATCH;
}

static bool is_asked_for(uint16_t of_template, uint16_t of_query, uint16_t any)
{
	return of_template == any || of_query == any || of_template == of_query;
}

static enum match_result match(const struct template *t, struct query *q, struct template_data *d)
{
	struct name zone;
	if (!zones_match(t->zones, t->zone_count, q->name, &zone) ||
		!is_asked_for(t->class, query_class(q), CLASS_ANY) ||
		!is_asked_for(t->type, query_type(q), TYPE_ANY))
		return MATCH_NEXT;
	*d = (struct template_data){ .query = q, .zone = zone_text(t, zone) };
	if (!match_name(t, d)) {
		query_why(q, "no pattern fits the name");
		return unmatched(t, q);
	}
	name_class_and_type(t, d);
	d->variables = value_map(NULL, 0);
	return check_conditions(t, d);
}

/* --- answering --- */

/* One record from its template; false with q->error set. */
static bool write_record(const struct template_data *d, const struct gotemplate *t,
	const char *section, struct record *r)
{
	struct query *q = d->query;
	struct arena_text text = { .arena = q->arena, .limit = GOTEMPLATE_TEXT_MAX };
	const char *why = NULL;
	if (!gotemplate_run(t, q->arena, template_data_value(d), &text, &why)) {
		count_failure(&template_failures_total, d, section, t);
		query_fail(q, RCODE_SERVFAIL, "%s", why);
		return false;
	}
	if (!record_parse(q->arena, arena_text_view(&text), r, &why)) {
		count_failure(&rr_failures_total, d, section, t);
		query_fail(q, RCODE_SERVFAIL, "%s", why ? why : "the template gives no record");
		return false;
	}
	return true;
}

/* The target of a CNAME, asked of the server itself: its answer follows the CNAME. */
static void follow(struct query *q, struct message *reply, const struct record *r)
{
	struct name target;
	struct message *answer;
	if (r->type != TYPE_CNAME || (query_type(q) != TYPE_A && query_type(q) != TYPE_AAAA))
		return;
	if (!rdata_name(r->type, record_rdata(r), 0, &target))
		return;
	query_lookup(q, target, query_type(q), &answer);
	if (!answer)
		return;
	reply->flags = (uint16_t)((reply->flags & ~FLAG_TC) | (answer->flags & FLAG_TC));
	const struct section *s = &answer->section[SECTION_ANSWER];
	for (size_t i = 0; i < s->count; i++)
		section_add(&reply->section[SECTION_ANSWER], q->arena, s->records[i]);
}

static bool write_section(const struct template *t, const struct template_data *d,
	struct message *reply, enum section_id id)
{
	static const char *const names[] = { "answer", "authority", "additional" };
	const struct template_records *records = &t->sections[id];
	for (size_t i = 0; i < records->count; i++) {
		struct record r;
		if (!write_record(d, records->records[i], names[id], &r))
			return false;
		section_add(&reply->section[id], d->query->arena, r);
		if (id == SECTION_ANSWER)
			follow(d->query, reply, &r);
	}
	return true;
}

static void add_error(const struct template *t, struct query *q, struct message *reply)
{
	struct edns *e = &reply->edns;
	*e = (struct edns){ .present = true, .udp_size = UDP_SIZE_OF_ERROR, .flags = EDNS_DO };
	edns_add_extended_error(e, q->arena, t->error_code, t->error_text);
}

static int answer(const struct template *t, const struct template_data *d)
{
	struct query *q = d->query;
	if (t->rcode == RCODE_SERVFAIL)
		return RCODE_SERVFAIL;
	struct message *reply = reply_new(q, t->rcode, REPLY_AA);
	if (!write_section(t, d, reply, SECTION_ANSWER) ||
		!write_section(t, d, reply, SECTION_ADDITIONAL) ||
		!write_section(t, d, reply, SECTION_AUTHORITY))
		return RCODE_SERVFAIL;
	if (t->has_error)
		add_error(t, q, reply);
	return t->rcode;
}

int template_serve(struct plugin *self, struct query *q)
{
	const struct template_state *state = self->state;
	struct template_data d;
	for (const struct template *t = state->templates; t; t = t->next) {
		switch (match(t, q, &d)) {
		case MATCH_NEXT:
			continue;
		case MATCH_FAIL:
			return RCODE_SERVFAIL;
		case MATCH:
			query_why(q, "the name matches '%.*s'", VIEW_ARGS(d.regex));
			count_match(worker_state(self, q), t, &d);
			return answer(t, &d);
		}
	}
	return next(self, q);
}
