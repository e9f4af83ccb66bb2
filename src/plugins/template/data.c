/* The fields of a template's data, named as CoreDNS and its DNS library name them. */
#include "plugins/template/data.h"

static bool give(struct value v, struct value *to)
{
	*to = v;
	return true;
}

static bool give_text(struct view text, struct value *to)
{
	return give(value_text(text), to);
}

/* --- .Question --- */

static bool question_field(
	const void *object, struct view name, struct arena *arena, struct value *to)
{
	const struct question *q = object;
	if (view_is(name, "Name"))
		return give_text(view_of(name_text(arena, q->name)), to);
	if (view_is(name, "Qtype"))
		return give(value_int(q->type), to);
	if (view_is(name, "Qclass"))
		return give(value_int(q->class), to);
	return false;
}

/* As a question is commented on in a zone file's manner: ";example.org.\tIN\t A". */
static void question_print(const void *object, struct arena_text *to)
{
	const struct question *q = object;
	char class[MNEMONIC_MAX], type[MNEMONIC_MAX], name[NAME_TEXT_MAX];
	arena_text_add_char(to, ';');
	arena_text_add(to, (struct view){ name, name_print(q->name, name) });
	arena_text_add_char(to, '\t');
	arena_text_add_string(to, class_print(q->class, class));
	arena_text_add_string(to, "\t ");
	arena_text_add_string(to, type_print(q->type, type));
}

static const struct object_type question_type = {
	.name = "*dns.Question",
	.field = question_field,
	.print = question_print,
};

/* --- .Message --- */

/* A header field that is a bit: its value's bit, 0 if it is none. */
static unsigned flag_of(struct view name)
{
	static const struct {
		const char *name;
		unsigned flag;
	} flags[] = {
		{ "Response", FLAG_QR },
		{ "Authoritative", FLAG_AA },
		{ "Truncated", FLAG_TC },
		{ "RecursionDesired", FLAG_RD },
		{ "RecursionAvailable", FLAG_RA },
		{ "Zero", FLAG_Z },
		{ "AuthenticatedData", FLAG_AD },
		{ "CheckingDisabled", FLAG_CD },
	};
	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
		if (view_is(name, flags[i].name))
			return flags[i].flag;
	}
	return 0;
}

static bool questions(const struct message *m, struct arena *arena, struct value *to)
{
	struct value *items = arena_new_object(arena, struct value);
	*items = value_object(&question_type, &m->question);
	return give(value_array(items, m->has_question), to);
}

/* Records of a request are there to be counted. */
static const struct object_type record_type = { .name = "dns.RR" };

static bool records(const struct message *m, enum section_id id, struct arena *arena, struct value *to)
{
	size_t count = m->section[id].count + (id == SECTION_ADDITIONAL && m->edns.present);
	struct value *items = arena_array(arena, count, sizeof *items);
	for (size_t i = 0; i < count; i++)
		items[i] = value_object(&record_type, m);
	return give(value_array(items, count), to);
}

static bool section_of(struct view name, enum section_id *id)
{
	static const char *const names[] = { "Answer", "Ns", "Extra" };
	for (int i = 0; i < SECTION_COUNT; i++) {
		*id = (enum section_id)i;
		if (view_is(name, names[i]))
			return true;
	}
	return false;
}

static bool header_field(
	const void *object, struct view name, struct arena *arena, struct value *to)
{
	const struct message *m = object;
	unsigned flag = flag_of(name);
	(void)arena;
	if (flag)
		return give(value_bool(m->flags & flag), to);
	if (view_is(name, "Id"))
		return give(value_int(m->id), to);
	if (view_is(name, "Opcode"))
		return give(value_int(m->opcode), to);
	if (view_is(name, "Rcode"))
		return give(value_int(m->rcode), to);
	return false;
}

static const struct object_type header_type = {
	.name = "dns.MsgHdr",
	.field = header_field,
};

static bool message_field(
	const void *object, struct view name, struct arena *arena, struct value *to)
{
	const struct message *m = object;
	enum section_id id;
	if (view_is(name, "Question"))
		return questions(m, arena, to);
	if (view_is(name, "MsgHdr"))
		return give(value_object(&header_type, m), to);
	if (view_is(name, "Compress"))
		return give(value_bool(false), to);
	if (section_of(name, &id))
		return records(m, id, arena, to);
	return header_field(object, name, arena, to);
}

static const struct object_type message_type = {
	.name = "*dns.Msg",
	.field = message_field,
};

/* --- the data itself --- */

static bool remote(const struct template_data *d, struct arena *arena, struct value *to)
{
	char room[ENDPOINT_TEXT_MAX];
	size_t length = endpoint_print_ip(&d->query->client, room);
	return give_text(arena_copy(arena, (struct view){ room, length }), to);
}

static bool data_field(const void *object, struct view name, struct arena *arena, struct value *to)
{
	const struct template_data *d = object;
	if (view_is(name, "Name"))
		return give_text(d->name, to);
	if (view_is(name, "Zone"))
		return give_text(d->zone, to);
	if (view_is(name, "Class"))
		return give_text(view_of(d->class), to);
	if (view_is(name, "Type"))
		return give_text(view_of(d->type), to);
	if (view_is(name, "Match"))
		return give(d->match, to);
	if (view_is(name, "Group"))
		return give(d->group, to);
	if (view_is(name, "Var"))
		return give(d->variables, to);
	if (view_is(name, "Regex"))
		return give_text(d->regex, to);
	if (view_is(name, "Remote"))
		return remote(d, arena, to);
	if (view_is(name, "Question"))
		return give(value_object(&question_type, &d->query->request.question), to);
	if (view_is(name, "Message"))
		return give(value_object(&message_type, &d->query->request), to);
	return false;
}

/* Meta LABEL: metadata, empty if nobody has set it. */
static bool data_call(const void *object, struct view name, const struct value *arguments,
	size_t count, struct arena *arena, struct value *to, const char **why)
{
	const struct template_data *d = object;
	if (!view_is(name, "Meta"))
		return false;
	if (count != 1) {
		*why = arena_printf(arena, "wrong number of args for Meta: want 1 got %zu", count);
		return false;
	}
	if (arguments[0].kind != VALUE_STRING) {
		*why = arena_printf(arena, "wrong type for value; expected string; got %s",
			value_kind_name(arguments[0].kind));
		return false;
	}
	struct view value = VIEW("");
	metadata_get(d->query, arguments[0].text, &value);
	return give_text(value, to);
}

static const struct object_type data_type = {
	.name = "*template.templateData",
	.field = data_field,
	.call = data_call,
};

struct value template_data_value(const struct template_data *d)
{
	return value_object(&data_type, d);
}
