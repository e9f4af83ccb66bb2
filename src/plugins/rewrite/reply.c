/* The changes that rules have asked for, made in a reply: for each of its records, the last one
 * asked for first. */
#include "plugins/rewrite/rewrite.h"

#include "base/arena_text.h"

/* --- names in records --- */

/* The name in a record's data that rules change; false for types without one. */
static bool value_name(const struct record *r, struct name *n)
{
	switch (r->type) {
	case TYPE_SRV:
	case TYPE_MX:
	case TYPE_CNAME:
	case TYPE_NS:
	case TYPE_DNAME:
	case TYPE_NAPTR:
	case TYPE_SOA:
	case TYPE_PTR:
		return rdata_name(r->type, record_rdata(r), 0, n);
	default:
		return false;
	}
}

/* The record's data with another name in the place of this one, which is a view into it. */
static void set_value_name(struct arena *arena, struct record *r, struct name old, struct name n)
{
	struct view rdata = record_rdata(r);
	size_t before = (size_t)((const char *)old.octets - rdata.at);
	struct arena_text made = { .arena = arena, .limit = UINT16_MAX };
	arena_text_add(&made, view_first(rdata, before));
	arena_text_add(&made, (struct view){ (const char *)n.octets, n.length });
	arena_text_add(&made, view_skip(rdata, before + old.length));
	if (made.cut)
		return;
	r->rdata = (const uint8_t *)made.at;
	r->rdata_length = (uint16_t)made.length;
}

/* The name of a text, or `old` if the text is none. */
static struct name name_or(struct arena *arena, struct view text, struct name old)
{
	struct name made = name_from_text(arena, text);
	return made.length ? made : old;
}

static struct name changed_by_text(struct arena *arena, const struct change *c, struct name n)
{
	struct view text = view_of(name_text(arena, n));
	struct arena_text made = { .arena = arena, .limit = REGEX_EXPANSION_MAX };
	if (c->kind == CHANGE_SUFFIX) {
		if (!view_ends(text, c->from_text))
			return n;
		arena_text_add(&made, view_first(text, text.length - c->from_text.length));
		arena_text_add(&made, c->to_text);
		return name_or(arena, arena_text_view(&made), n);
	}
	struct view *groups = regex_captures_all(c->regex, arena, text);
	if (!groups)
		return n;
	return name_or(arena, regex_fill(arena, c->to_text, groups, regex_groups(c->regex) + 1), n);
}

static struct name changed_name(struct arena *arena, const struct change *c, struct name n)
{
	if (c->kind != CHANGE_REMAP)
		return changed_by_text(arena, c, n);
	struct name_buffer *made = arena_new_object(arena, struct name_buffer);
	if (!name_is_under(n, c->from) || !name_replace_suffix(n, c->from, c->to, made))
		return n;
	return name_of(made);
}

static void change_names(struct arena *arena, const struct change *c, struct record *r)
{
	struct name value;
	if (c->owner)
		r->owner = changed_name(arena, c, r->owner);
	if (!c->value || !value_name(r, &value))
		return;
	struct name made = changed_name(arena, c, value);
	if (made.octets != value.octets)
		set_value_name(arena, r, value, made);
}

/* --- CNAME targets --- */

/* The records of a reply while they are being changed: each on its own, so that an answer can be
 * put together anew meanwhile. */
struct records {
	struct record **of[SECTION_COUNT];
	size_t count[SECTION_COUNT];
	bool answer_anew;
};

/* A new answer: the CNAMEs up to the one with the old target, which gets the new one, then what was
 * looked up. */
static void put_together(struct query *q, struct records *rs, struct name old, struct name target,
	const struct message *looked_up)
{
	const struct section *found = &looked_up->section[SECTION_ANSWER];
	size_t count = rs->count[SECTION_ANSWER], kept = 0;
	struct record **made = arena_array(q->arena, count + found->count, sizeof(struct record *));
	for (size_t i = 0; i < count; i++) {
		struct record *r = rs->of[SECTION_ANSWER][i];
		struct name n;
		if (r->type != TYPE_CNAME || !value_name(r, &n))
			continue;
		made[kept++] = r;
		if (name_equal(n, old)) {
			set_value_name(q->arena, r, n, target);
			break;
		}
	}
	for (size_t i = 0; i < found->count; i++)
		made[kept++] = &found->records[i];
	rs->of[SECTION_ANSWER] = made;
	rs->count[SECTION_ANSWER] = kept;
	rs->answer_anew = true;
}

static void change_cname(struct rewriting *r, const struct change *c, struct records *rs,
	const struct record *record)
{
	struct query *q = r->query;
	struct name old;
	struct message *looked_up;
	if (record->type != TYPE_CNAME || !value_name(record, &old))
		return;
	struct view text = view_of(name_text(q->arena, old));
	if (!matcher_fits(&c->rule->matcher, text))
		return;
	text = matcher_replace(&c->rule->matcher, q->arena, text, c->rule->to);
	struct name target = name_from_text(q->arena, text);
	if (target.length == 0) {
		log_error("upstream lookup failed: invalid name %.*s", VIEW_ARGS(text));
		return;
	}
	query_set_question(q, target, query_type(q), query_class(q));
	query_lookup(q, target, query_type(q), &looked_up);
	if (!looked_up) {
		log_error("upstream lookup returned nil");
		return;
	}
	query_why(q, "the CNAME's target becomes %.*s", VIEW_ARGS(text));
	put_together(q, rs, old, target, looked_up);
	q->reply->flags = (uint16_t)((q->reply->flags & ~FLAG_TC) | (looked_up->flags & FLAG_TC));
}

/* --- all changes --- */

static void change_ttl(const struct change *c, struct record *r)
{
	if (r->ttl < c->least)
		r->ttl = c->least;
	else if (r->ttl > c->most)
		r->ttl = c->most;
}

static void change_rcode(const struct change *c, struct message *reply)
{
	if (reply->rcode == c->least)
		reply->rcode = (uint16_t)c->most;
}

static void change_record(
	struct rewriting *r, const struct change *c, struct records *rs, struct record *record)
{
	switch (c->kind) {
	case CHANGE_REMAP:
	case CHANGE_SUFFIX:
	case CHANGE_PATTERN:
		change_names(r->query->arena, c, record);
		break;
	case CHANGE_TTL:
		change_ttl(c, record);
		break;
	case CHANGE_RCODE:
		change_rcode(c, r->query->reply);
		break;
	case CHANGE_CNAME:
		change_cname(r, c, rs, record);
		break;
	case CHANGE_OPTION:
		break;
	}
}

static void change_section(struct rewriting *r, struct records *rs, enum section_id id)
{
	struct record **records = rs->of[id];
	size_t count = rs->count[id];
	for (size_t i = 0; i < count; i++) {
		for (size_t n = r->change_count; n-- > 0;)
			change_record(r, r->changes[n], rs, records[i]);
	}
}

static struct records records_of(struct arena *arena, const struct message *m)
{
	struct records rs = { .answer_anew = false };
	for (int id = 0; id < SECTION_COUNT; id++) {
		const struct section *s = &m->section[id];
		rs.count[id] = s->count;
		rs.of[id] = arena_array(arena, s->count, sizeof(struct record *));
		for (size_t i = 0; i < s->count; i++)
			rs.of[id][i] = &s->records[i];
	}
	return rs;
}

/* Options are changed in the reply's OPT and in the request's, of which the server makes one for
 * replies without. */
static void revert_option(const struct change *c, struct edns *e, struct arena *arena)
{
	struct view found;
	if (!edns_option_find(e, c->code, &found))
		return;
	if (c->data.at)
		edns_option_set(e, arena, c->code, c->data);
	else
		edns_option_remove(e, arena, c->code);
}

static void revert_options(struct rewriting *r)
{
	struct query *q = r->query;
	for (size_t n = r->change_count; n-- > 0;) {
		if (r->changes[n]->kind != CHANGE_OPTION)
			continue;
		revert_option(r->changes[n], &q->reply->edns, q->arena);
		revert_option(r->changes[n], &q->request.edns, q->arena);
	}
}

/* A reply without records has a code all the same. */
static void change_bare(struct rewriting *r)
{
	for (size_t n = r->change_count; n-- > 0;) {
		if (r->changes[n]->kind == CHANGE_RCODE)
			change_rcode(r->changes[n], r->query->reply);
	}
}

static void set_answer(struct message *reply, struct arena *arena, const struct records *rs)
{
	struct section answer = { 0 };
	for (size_t i = 0; i < rs->count[SECTION_ANSWER]; i++)
		section_add(&answer, arena, *rs->of[SECTION_ANSWER][i]);
	reply->section[SECTION_ANSWER] = answer;
}

void reply_change(struct rewriting *r)
{
	struct message *reply = r->query->reply;
	struct arena *arena = r->query->arena;
	struct records rs = records_of(arena, reply);
	if (rs.count[SECTION_ANSWER] + rs.count[SECTION_AUTHORITY] + rs.count[SECTION_ADDITIONAL] ==
		0)
		change_bare(r);
	change_section(r, &rs, SECTION_AUTHORITY);
	change_section(r, &rs, SECTION_ANSWER);
	change_section(r, &rs, SECTION_ADDITIONAL);
	if (rs.answer_anew)
		set_answer(reply, arena, &rs);
	revert_options(r);
}
