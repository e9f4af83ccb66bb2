/* Rewriting requests by the rules in their order, and seeing to it that the client gets back what
 * it asked for. */
#include "plugins/rewrite/rewrite.h"

#include "server/bare_reply.h"

struct view rewriting_name(struct rewriting *r)
{
	if (!r->name.length)
		r->name = view_of(name_text(r->query->arena, r->query->name));
	return r->name;
}

void rewriting_add(struct rewriting *r, const struct change *c)
{
	r->changes = arena_grow(r->query->arena, r->changes, r->change_count, &r->change_capacity,
		sizeof(const struct change *));
	r->changes[r->change_count++] = c;
}

static void add_changes(struct rewriting *r, const struct rule *rule)
{
	for (size_t i = 0; i < rule->change_count; i++)
		rewriting_add(r, &rule->changes[i]);
}

/* --- rules --- */

/* What a rule has done to the request. */
enum applied {
	NOT_APPLIED,
	APPLIED,
	APPLIED_BADLY, /* the name is none any more */
};

/* In replies the new name and names below it become the old one and names below that. */
static void add_remap(struct rewriting *r, struct name old)
{
	struct change *c = arena_new_object(r->query->arena, struct change);
	*c = (struct change){ .kind = CHANGE_REMAP,
		.owner = true,
		.value = true,
		.from = r->query->name,
		.to = old };
	rewriting_add(r, c);
}

static enum applied apply_name(const struct rule *rule, struct rewriting *r)
{
	struct query *q = r->query;
	if (!matcher_fits(&rule->matcher, rewriting_name(r)))
		return NOT_APPLIED;
	struct view text = matcher_replace(&rule->matcher, q->arena, r->name, rule->to);
	struct name made = name_from_text(q->arena, text), old = q->name;
	if (made.length == 0) {
		query_fail(q, RCODE_SERVFAIL, "invalid name after rewrite: %.*s", VIEW_ARGS(text));
		return APPLIED_BADLY;
	}
	query_why(q, "the name becomes %.*s", VIEW_ARGS(text));
	query_set_question(q, made, query_type(q), query_class(q));
	r->name = (struct view){ 0 };
	if (rule->remaps)
		add_remap(r, old);
	add_changes(r, rule);
	return APPLIED;
}

static enum applied apply_type(const struct rule *rule, struct rewriting *r)
{
	struct query *q = r->query;
	char room[MNEMONIC_MAX];
	if (query_type(q) != rule->from_number)
		return NOT_APPLIED;
	query_why(q, "the type becomes %s", type_print(rule->to_number, room));
	query_set_question(q, q->request.question.name, rule->to_number, query_class(q));
	return APPLIED;
}

static enum applied apply_class(const struct rule *rule, struct rewriting *r)
{
	struct query *q = r->query;
	char room[MNEMONIC_MAX];
	if (query_class(q) != rule->from_number)
		return NOT_APPLIED;
	query_why(q, "the class becomes %s", class_print(rule->to_number, room));
	query_set_question(q, q->request.question.name, query_type(q), rule->to_number);
	return APPLIED;
}

/* ttl and rcode: they only ask for changes in the reply. */
static enum applied apply_reply_rule(const struct rule *rule, struct rewriting *r)
{
	if (!matcher_fits(&rule->matcher, rewriting_name(r)))
		return NOT_APPLIED;
	query_why(r->query, "the reply's %s will be changed",
		rule->field == FIELD_TTL_RULE ? "TTLs" : "code");
	add_changes(r, rule);
	return APPLIED;
}

static enum applied apply(const struct rule *rule, struct rewriting *r)
{
	switch (rule->field) {
	case FIELD_NAME_RULE:
		return apply_name(rule, r);
	case FIELD_TYPE_RULE:
		return apply_type(rule, r);
	case FIELD_CLASS_RULE:
		return apply_class(rule, r);
	case FIELD_EDNS_RULE:
		return edns_rule_apply(rule, r) ? APPLIED : NOT_APPLIED;
	case FIELD_TTL_RULE:
	case FIELD_RCODE_RULE:
		return apply_reply_rule(rule, r);
	case FIELD_CNAME_RULE:
		add_changes(r, rule);
		return APPLIED;
	}
	return NOT_APPLIED;
}

/* --- replies --- */

/* Puts the client's question into the reply, and makes the changes that were asked for. */
static void finish_reply(struct rewriting *r, const struct question *asked)
{
	struct query *q = r->query;
	bool renamed = !name_equal(asked->name, q->request.question.name);
	if (renamed || r->change_count)
		reply_open(q);
	struct message *reply = message_copy(q->arena, q->reply);
	reply->has_question = true;
	reply->question = *asked;
	q->reply = reply;
	if (r->change_count)
		reply_change(r);
}

/*
 * An error that no plugin has made a reply of: it is made here, so that rules for rcodes see it.
 * The error stays for the log; the code is NOERROR, since a reply is there.
 */
static int reply_to_error(struct rewriting *r, const struct question *asked, int rcode)
{
	struct query *q = r->query;
	reply_new(q, (uint16_t)rcode, 0);
	reply_finish_edns(q);
	finish_reply(r, asked);
	return RCODE_NOERROR;
}

static int serve_rewritten(
	struct plugin *self, struct rewriting *r, const struct question *asked, bool stopped)
{
	struct query *q = r->query;
	int rcode = next(self, q);
	if (!q->reply && serve_is_error(rcode) && (stopped || r->change_count))
		return reply_to_error(r, asked, rcode);
	if (q->reply)
		finish_reply(r, asked);
	return rcode;
}

/* The request stays rewritten when the answer has come: log, errors and prometheus say what was asked behind here. */
int rewrite_serve(struct plugin *self, struct query *q)
{
	const struct rewrite *w = self->state;
	struct rewriting r = { .query = q };
	const struct question asked = q->request.question;
	bool applied = false, stopped = false;
	for (const struct rule *rule = w->rules; rule && !stopped; rule = rule->next) {
		switch (apply(rule, &r)) {
		case NOT_APPLIED:
			break;
		case APPLIED:
			applied = true;
			stopped = rule->stops;
			break;
		case APPLIED_BADLY:
			query_set_question(q, asked.name, asked.type, asked.class);
			return RCODE_SERVFAIL;
		}
	}
	return applied ? serve_rewritten(self, &r, &asked, stopped) : next(self, q);
}
