/* Reading answers: chains of CNAMEs, classes. */
#include "plugins/cache/answers.h"

#include "base/clock.h"

enum { CHAIN_MAX = 64 };

static bool class_matches(const struct record *r, const struct message *m)
{
	return m->question.class == CLASS_ANY || r->class == m->question.class;
}

static bool is_at(const struct record *r, struct name owner, const struct message *m)
{
	return class_matches(r, m) && name_equal(r->owner, owner);
}

/* Where the CNAMEs at `owner` point: length 0 if there are none; false if they point to different
 * names. */
static bool cname_target(const struct message *m, struct name owner, struct name *target)
{
	const struct section *answer = &m->section[SECTION_ANSWER];
	*target = (struct name){ 0 };
	for (size_t i = 0; i < answer->count; i++) {
		const struct record *r = &answer->records[i];
		if (r->type != TYPE_CNAME || r->rdata_length == 0 || !is_at(r, owner, m))
			continue;
		struct name to = { r->rdata, r->rdata_length };
		if (target->length && !name_equal(*target, to))
			return false;
		*target = to;
	}
	return true;
}

/* The name at which the chain of CNAMEs from qname ends; false if it does not end well. */
static bool chain_end(const struct message *m, struct name *end)
{
	struct name target = { 0 };
	*end = m->question.name;
	for (int steps = 0; steps < CHAIN_MAX; steps++) {
		if (!cname_target(m, *end, &target))
			return false;
		if (target.length == 0)
			return true;
		*end = target;
	}
	return false;
}

static bool has_record(const struct message *m, struct name owner, uint16_t type)
{
	const struct section *answer = &m->section[SECTION_ANSWER];
	for (size_t i = 0; i < answer->count; i++) {
		const struct record *r = &answer->records[i];
		if ((r->type == type || type == TYPE_ANY) && is_at(r, owner, m))
			return true;
	}
	return false;
}

bool answers_question(const struct message *m)
{
	struct name name = m->question.name;
	if (m->rcode != RCODE_NOERROR || !m->has_question)
		return false;
	if (m->question.type == TYPE_ANY)
		return has_record(m, name, TYPE_ANY);
	if (m->question.type == TYPE_CNAME)
		return cname_target(m, m->question.name, &name) && name.length > 0;
	return chain_end(m, &name) && has_record(m, name, m->question.type);
}

bool answer_has_soa(const struct message *m)
{
	const struct section *authority = &m->section[SECTION_AUTHORITY];
	for (size_t i = 0; i < authority->count; i++) {
		if (authority->records[i].type == TYPE_SOA)
			return true;
	}
	return false;
}

enum response_type answer_type(const struct message *m)
{
	enum response_type type = response_classify(m, clock_wall_seconds());
	if (type == RESPONSE_NOERROR && m->section[SECTION_ANSWER].count > 0 && answer_has_soa(m) &&
		!answers_question(m))
		return RESPONSE_NODATA;
	return type;
}

bool answer_matches(const struct message *m, const struct query *q)
{
	return (m->flags & FLAG_QR) && m->has_question && m->question.type == query_type(q) &&
	       m->question.class == query_class(q) && name_equal(m->question.name, q->name);
}
